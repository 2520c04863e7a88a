"""统一社会信用代码, the unified social credit code of an organisation, by GB 32100-2015.

    9 1 640221 MA75X0004 C
    | | |      |         check character over the 17 before it, modulo 31
    | | |      organisation code (GB 11714), with a check character of its own, modulo 11
    | | region of registration
    | kind of organisation
    registering authority

Modulo 31 is prime and no weight is a multiple of it, so any one wrong character and any two
neighbours swapped are always found.
"""

import re

from app.core.messages import say
from app.identifiers.answer import Facts, Identified, accepted
from app.identifiers.text import Malformed, compact

LENGTH = 18
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # no I, O, S, V, Z
WEIGHTS = tuple(pow(3, i, 31) for i in range(LENGTH - 1))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

# The kinds of organisation (second character) that each registering authority (first) knows, by
# table 1 of the standard with its amendments: 54 are the committees of villages and residents.
_KINDS = {
    "1": "1239",  # 机构编制
    "2": "19",  # 外交
    "3": "123459",  # 司法行政
    "4": "19",  # 文化
    "5": "12349",  # 民政
    "6": "129",  # 旅游
    "7": "129",  # 宗教
    "8": "19",  # 工会
    "9": "1239",  # 工商
    "A": "19",  # 中央军委改革和编制办公室
    "N": "1239",  # 农业
    "Y": "1",  # 其他
}

# First two characters of the common registrants.
_REGISTRANTS = {
    "11": "state_organ",
    "12": "public_institution",
    "31": "law_firm",
    "51": "social_organisation",
    "52": "private_non_enterprise",
    "53": "foundation",
    "91": "enterprise",
    "92": "sole_trader",
    "93": "farmers_cooperative",
    "N1": "rural_collective",
    "N2": "rural_collective",
    "N3": "rural_collective",
}


def check_character(body: str) -> str:
    """The 18th character that belongs to the first 17."""
    total = sum(ALPHABET.index(c) * w for c, w in zip(body, WEIGHTS, strict=True))
    # The outer modulo matters: without it a total divisible by 31 would ask for a 32nd letter.
    return ALPHABET[(31 - total % 31) % 31]


def organisation_check_character(body: str) -> str:
    """The 9th character of a GB 11714 organisation code that belongs to the first 8."""
    values = (int(c, 36) for c in body)
    total = sum(v * w for v, w in zip(values, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def read_uscc(value: str) -> Identified:
    """The code, its parts, and whether the inner check holds (a warning only: old codes differ).

    Raises ``Malformed``.
    """
    code = compact(value)
    if len(code) != LENGTH:
        raise Malformed(
            say(
                "has {count} characters; a unified social credit code has {length}",
                count=len(code),
                length=LENGTH,
            )
        )
    for position, character in enumerate(code, start=1):
        if character not in ALPHABET:
            raise Malformed(
                say(
                    "has {character} as character {position}, which the code never uses",
                    character=character,
                    position=position,
                )
            )
    if code[1] not in _KINDS.get(code[0], ""):
        raise Malformed(
            say(
                "begins with {start}, which no registering authority gives to any organisation",
                start=code[:2],
            )
        )
    if not re.fullmatch(r"[0-9]{6}", code[2:8]):
        raise Malformed(say("must have six digits of a region as characters 3 to 8"))
    expected = check_character(code[:-1])
    if code[-1] != expected:
        raise Malformed(
            say(
                "has check character {given}; {expected} was expected",
                given=code[-1],
                expected=expected,
            )
        )
    return accepted(code, _facts(code))


def _facts(code: str) -> Facts:
    organisation_code = code[8:17]
    return {
        "registrant": _REGISTRANTS.get(code[:2], "other"),
        "registrant_code": code[:2],
        "region": code[2:8],
        "organisation_code": organisation_code,
        "organisation_code_check_holds": organisation_code[-1]
        == organisation_check_character(organisation_code[:-1]),
    }
