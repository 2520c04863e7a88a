"""Classification symbols: IPC for patents, Locarno for designs, Nice for trademarks."""

import re

from app.core.messages import say
from app.identifiers.answer import Facts, Identified, accepted
from app.identifiers.text import Malformed, compact, fold

NICE_CLASS_MAX = 45
NICE_GOODS_MAX = 34  # the classes above it are services
LOCARNO_CLASS_MAX = 32

# Chinese front pages print the edition after the symbol: H04L 9/32(2006.01)I.
_IPC = re.compile(
    r"([A-H])([0-9]{2})([A-Z])"
    r"(?:0*([1-9][0-9]{0,3})/([0-9]{2,6})(?:\(([0-9]{4}\.[0-9]{2})\)[AIN]?)?)?"
)
_LOCARNO = re.compile(r"([0-9]{2})-([0-9]{2})")
_NICE_SEPARATOR = re.compile(r" ?[,; ] ?")
_NICE_CLASS = re.compile(r"第?([0-9]{1,2})类?")
_NICE_GROUP = re.compile(r"([0-9]{2})([0-9]{2})")


def read_ipc(value: str) -> Identified:
    """An IPC subclass or group as ``H04L 9/32``, without the edition. Raises ``Malformed``."""
    found = _IPC.fullmatch(compact(value))
    if found is None:
        raise Malformed(say("is not an IPC symbol such as H04L or H04L 9/32"))
    section, number, letter, group, subgroup, edition = found.groups()
    subclass = f"{section}{number}{letter}"
    facts: Facts = {"section": section, "class": f"{section}{number}", "subclass": subclass}
    if group is None:
        return accepted(subclass, facts)
    facts |= {"main_group": int(group), "subgroup": subgroup}
    if edition is not None:
        facts["edition"] = edition
    return accepted(f"{subclass} {group}/{subgroup}", facts)


def read_locarno(value: str) -> Identified:
    """A Locarno class and subclass as ``14-02``. Raises ``Malformed``."""
    found = _LOCARNO.fullmatch(compact(value))
    if found is None or not 1 <= int(found[1]) <= LOCARNO_CLASS_MAX:
        raise Malformed(say("is not a Locarno class such as 14-02, of the classes 01 to 32"))
    return accepted(found[0], {"class": int(found[1]), "subclass": int(found[2])})


def read_nice(value: str) -> Identified:
    """One or more Nice classes or four-digit similar groups (类似群), each once, in order.

    ``"35, 09, 第9类"`` is ``"9,35"``; the group ``"0901"`` lies in class 9. Raises ``Malformed``.
    """
    classes: set[int] = set()
    groups: set[str] = set()
    for item in _NICE_SEPARATOR.split(fold(value)):
        if found := _NICE_GROUP.fullmatch(item):
            groups.add(item)
        elif not (found := _NICE_CLASS.fullmatch(item)):
            raise Malformed(say("is not a list of Nice classes such as 9,35"))
        classes.add(int(found[1]))
    if outside := sorted(n for n in classes if not 1 <= n <= NICE_CLASS_MAX):
        raise Malformed(
            say(
                "has class {outside}; there are the classes 1 to {highest}",
                outside=outside[0],
                highest=NICE_CLASS_MAX,
            )
        )
    facts: Facts = {
        "classes": sorted(classes),
        "goods": min(classes) <= NICE_GOODS_MAX,
        "services": max(classes) > NICE_GOODS_MAX,
    }
    if groups:
        facts["similar_groups"] = ",".join(sorted(groups))
    return accepted(_nice_text(classes, groups), facts)


def _nice_text(classes: set[int], groups: set[str]) -> str:
    """Classes in order; a class of which groups were named stands as those groups."""
    by_class = {n: sorted(g for g in groups if int(g[:2]) == n) or [str(n)] for n in classes}
    return ",".join(item for n in sorted(classes) for item in by_class[n])
