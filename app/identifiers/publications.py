"""Publication numbers of CNIPA and what their kind code meant when they were printed.

CN 1 01770823 B
   | |        kind code, with a digit if the document corrects or narrows an earlier one
   | serial: 8 digits since August 2007, 6 before
   type: 1 invention, 2 utility model, 3 design
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from app.core.messages import say
from app.identifiers.answer import Facts, Identified, accepted
from app.identifiers.rights import RightKind
from app.identifiers.text import Malformed, compact


class Stage(StrEnum):
    """How far the right had come when the document was printed."""

    APPLICATION = "application"  # 公开
    PRE_GRANT = "pre_grant"  # 审定公告 or 公告, open to opposition, until 1992
    GRANT = "grant"  # 授权公告
    PARTLY_INVALID = "partly_invalid"  # 部分无效, what an invalidation left standing


@dataclass(frozen=True)
class Kind:
    """One use of one letter, from its first to its last year of printing."""

    right: RightKind
    letter: str
    serial_digits: int
    stage: Stage
    first_year: int
    last_year: int | None
    serial_max: int | None = None

    def covers(self, right: RightKind, letter: str, serial: str) -> bool:
        return (self.right, self.letter, self.serial_digits) == (right, letter, len(serial)) and (
            self.serial_max is None or int(serial) <= self.serial_max
        )


_I, _U, _D = RightKind.INVENTION, RightKind.UTILITY_MODEL, RightKind.DESIGN
SHORT, LONG = 6, 8

# Source: European Patent Office, Asian patent information, numbering system of China, and its
# answers there on the changes of 1993 and 2010. The first entry that covers a number counts.
KINDS = (
    Kind(_I, "A", SHORT, Stage.APPLICATION, 1985, 2007),
    Kind(_I, "A", LONG, Stage.APPLICATION, 2007, None),
    # CN1019808B came out on 30 December 1992 and CN1019873C on 6 January 1993. A later short B is
    # an application published before August 2007 and granted, under the same number, from 2010 on.
    Kind(_I, "B", SHORT, Stage.PRE_GRANT, 1985, 1992, serial_max=19872),
    Kind(_I, "B", SHORT, Stage.GRANT, 2010, None),
    Kind(_I, "C", SHORT, Stage.GRANT, 1993, 2010),
    Kind(_I, "C", LONG, Stage.GRANT, 2007, 2010),
    Kind(_I, "B", LONG, Stage.GRANT, 2010, None),
    Kind(_U, "U", SHORT, Stage.PRE_GRANT, 1985, 1992),
    Kind(_U, "Y", SHORT, Stage.GRANT, 1993, 2007),
    Kind(_U, "Y", LONG, Stage.GRANT, 2007, 2010),
    Kind(_U, "U", LONG, Stage.GRANT, 2010, None),
    Kind(_D, "S", SHORT, Stage.PRE_GRANT, 1985, 1992),
    Kind(_D, "D", SHORT, Stage.GRANT, 1993, 2007),
    Kind(_D, "D", LONG, Stage.GRANT, 2007, 2010),
    Kind(_D, "S", LONG, Stage.GRANT, 2010, None),
)

# With a digit 1 to 7 these letters print what a partial invalidation left, in any year; with 8 or
# 9 the letters A, B, U and S reprint a document with corrections.
_NARROWED = {_I: "C", _U: "Y", _D: "S"}

_SHAPE = re.compile(r"CN([1-3])([0-9]{8}|[0-9]{6})([ABCDSUY])([0-9]?)")
_RIGHTS = {"1": _I, "2": _U, "3": _D}


def read_publication(value: str) -> Identified:
    """The number with CN and kind code, and what that code says. Raises ``Malformed``."""
    found = _SHAPE.fullmatch(compact(value))
    if found is None:
        raise Malformed(
            say(
                "is not a publication number: CN, a type digit 1 to 3, 8 digits (6 before August "
                "2007) and a kind code"
            )
        )
    type_digit, serial, letter, digit = found.groups()
    right = _RIGHTS[type_digit]
    facts: Facts = {"right": right.value, "kind_code": letter + digit}
    if digit and digit in "1234567" and letter == _NARROWED[right]:
        return accepted(found[0], facts | {"stage": Stage.PARTLY_INVALID.value, "corrected": False})
    if digit and (digit not in "89" or letter not in "ABUS"):
        raise Malformed(
            say("has kind code {letter}{digit}, which does not exist", letter=letter, digit=digit)
        )
    kind = next((kind for kind in KINDS if kind.covers(right, letter, serial)), None)
    if kind is None:
        raise Malformed(
            say(
                "has kind code {letter}, which does not go with type digit {type_digit} "
                "and a serial of {count} digits",
                letter=letter,
                type_digit=type_digit,
                count=len(serial),
            )
        )
    facts |= {"stage": kind.stage.value, "corrected": bool(digit), "first_year": kind.first_year}
    if kind.last_year is not None:
        facts["last_year"] = kind.last_year
    return accepted(found[0], facts)
