"""Checks a ledger journal: python3 verify_journal.py JOURNAL [ROOT]. See ledger.md beside this."""

import hashlib
import json
import sys
from datetime import date, timedelta
from pathlib import Path


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def require(holds, problem):  # not assert, which python -O leaves out
    if not holds:
        raise SystemExit(problem)


def no_number(text):
    raise ValueError(f"{text} is no whole number of fen")


def counted(lines, here):
    for here[0], line in enumerate(lines, start=1):
        yield line


def check(lines, wanted):
    link, sequence, since_root, seen, day = bytes(32), 0, 0, set(), None
    accounts, holds = {}, {}  # account: limited, version, counters, at; hold: accounts, amount
    for number, text in enumerate(lines, start=1):
        where = f"line {number}"
        line = json.loads(text, parse_float=no_number, parse_constant=no_number)
        require(canonical(line) == text.rstrip(b"\n"), f"HASH_MISMATCH {where}: not canonical")
        if "root" in line:
            root, here = line["root"], [sequence, link.hex(), since_root]
            same = [root[name] for name in ("sequence", "hash", "transfers")] == here
            require(same, f"HASH_MISMATCH {where}: root of {root['business_on']}")
            last, day = day, date.fromisoformat(root["business_on"])
            follows = last is None or day == last + timedelta(days=1)
            require(follows, f"SEQUENCE_GAP {where}: root of {day} follows {last}")
            since_root = 0
            continue
        stored = line.pop("hash")
        link = hashlib.sha256(link + canonical(line)).digest()
        require(link.hex() == stored, f"HASH_MISMATCH {where}")
        sequence += 1
        require(line["sequence"] == sequence, f"SEQUENCE_GAP {where}")
        seen.add(stored)
        if "account" in line:
            id_, limited = line["account"]["id"], line["account"]["limited"]
            require(id_ not in accounts, f"SEQUENCE_GAP {where}: the account was opened before")
            accounts[id_] = [limited, 0, [0, 0, 0, 0], ""]
            continue
        move, since_root = line["transfer"], since_root + 1
        kind, amount, at = move["kind"], move["amount"], move["at"]
        ends = [move["debit"]["account"], move["credit"]["account"]]
        held_ends, held = holds.pop(move["hold"]) if move["hold"] else (ends, 0)
        fits = {"transfer": held == 0, "hold": held == 0, "post": amount <= held}
        fits |= {"void": amount == held > 0, "expire": amount == held > 0}
        whole = amount > 0 and ends[0] != ends[1] and ends == held_ends and fits[kind]
        require(whole and move["id"] not in holds, f"UNBALANCED {where}")
        if kind == "hold":
            holds[move["id"]] = (ends, amount)
        posted = amount if kind in ("transfer", "post") else 0
        pending = amount if kind == "hold" else -held
        steps = {"debit": [posted, pending, 0, 0], "credit": [0, 0, posted, pending]}
        for side, step in steps.items():
            entry, account = move[side], accounts[move[side]["account"]]
            limited, version, before, last_at = account
            after = [old + new for old, new in zip(before, step)]
            risen = entry["version"] == version + 1 and at > last_at
            require(risen, f"SEQUENCE_GAP {where}")
            same = [entry["before"], entry["after"]] == [before, after]
            require(same, f"BALANCE_MISMATCH {where}")
            within = min(after) >= 0 and (not limited or after[0] + after[1] <= after[2])
            require(within, f"BALANCE_MISMATCH {where}: limit")
            account[1:] = [entry["version"], after, at]
    require(sequence, "no journal: not one line")
    found = wanted is None or wanted.lower() in seen
    require(found, f"HASH_MISMATCH no line has the hash {wanted}")
    return f"{sequence} lines hold; the last hash is {link.hex()}"


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        sys.exit(print(__doc__))
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    here = [0]
    try:
        with Path(sys.argv[1]).open("rb") as journal:
            print(check(counted(journal, here), (*sys.argv[2:], None)[0]))
    except OSError as problem:
        sys.exit(f"no journal: {problem}")
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as problem:
        sys.exit(f"UNBALANCED or no journal: {problem!r} at line {here[0]}")
