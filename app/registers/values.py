"""Reading single values: text, days, classes. What is wrong is refused, not mended."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

from app.core.messages import say

SHOWN_MAX = 80
TITLE_MAX = 500
NAME_MAX = 300
NUMBER_MAX = 64
TEXT_MAX = 2_000
HOLDERS_MAX = 100
NICE_CLASS_MAX = 45

_DAY_FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?",
        r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})",
        r"(\d{4})(\d{2})(\d{2})",
        r"(\d{4})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*日",
    )
)
# Five digits: 1927 to 2173. Four would take the bare year 2021 for a day in 1905.
_SERIAL = re.compile(r"[1-9]\d{4}(?:\.0+)?", re.ASCII)
_IPC = re.compile(r"([A-H]\d{2}[A-Z])\s*(\d{1,4})\s*/\s*(\d{2,6})", re.ASCII)
_IPC_SUBCLASS = re.compile(r"[A-H]\d{2}[A-Z]", re.ASCII)
_LIST_MARKS = re.compile(r"[;；、\n|]")
_CLASS_MARKS = re.compile(r"[,，;；、/|\s]+")


@dataclass(eq=False)
class ValueRefused(ValueError):
    """A value that cannot be taken; ``reason`` follows the name of the field."""

    reason: str

    def __str__(self) -> str:
        return self.reason


def shown(value: str) -> str:
    """``value`` as a refusal may print it: nothing invisible, at most ``SHOWN_MAX`` characters."""
    head = value[:SHOWN_MAX]
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in head)[:SHOWN_MAX]


def read_text(value: str, *, max_chars: int = TEXT_MAX) -> str | None:
    """``value`` with runs of white space as one space, None if nothing is left.

    Line ends and tabs are white space here: registers wrap long names. Any other control
    character, and whatever turns or hides its neighbours, raises ``ValueRefused``.
    """
    # Cut first: a megabyte in one cell need not be examined to be refused.
    if len(value) > 20 * TEXT_MAX:
        raise ValueRefused(say("is longer than {length} characters", length=max_chars))
    for character in value:
        if character not in "\t\n\r":
            _refuse_unseen(character)
    text = " ".join(value.split())
    if len(text) > max_chars:
        raise ValueRefused(say("is longer than {length} characters", length=max_chars))
    return text or None


def read_day(value: str, *, year_min: int = 1, serial_epoch: date | None = None) -> date | None:
    """The day in ISO form, YYYYMMDD, Y/M/D, Y.M.D or 2021年5月7日; None for nothing.

    ``serial_epoch``, if given, lets a bare count of days stand for a day, as workbooks store it.
    """
    text = read_text(value, max_chars=NUMBER_MAX)
    if text is None:
        return None
    day = _read_calendar_day(text)
    if day is None and serial_epoch is not None and _SERIAL.fullmatch(text):
        day = serial_epoch + timedelta(days=int(text.partition(".")[0]))
    if day is None:
        raise ValueRefused(say("is not a date such as 2021-05-07, 20210507 or 2021年5月7日"))
    if day.year < year_min:
        raise ValueRefused(say("is before {year}", year=year_min))
    return day


def split_list(value: str) -> list[str]:
    """The parts of a cell that lists names: by semicolon, enumeration comma, bar or line."""
    return [part for part in _LIST_MARKS.split(value) if part.strip()]


def read_ipc(value: str) -> str:
    """An IPC symbol such as ``E21B 47/0228``, also from the padded form of the registers."""
    text = read_text(value, max_chars=NUMBER_MAX) or ""
    if found := _IPC.match(text):
        subclass, group, subgroup = found.groups()
        return f"{subclass} {group}/{subgroup}"
    if _IPC_SUBCLASS.fullmatch(text):
        return text
    raise ValueRefused(say("is not an IPC symbol such as H04L 9/32"))


def read_ipc_list(value: str) -> tuple[str, ...]:
    """The IPC symbols of a cell, in order, each once."""
    parts = re.split(r"[,，;；、|\n]+", value)
    return tuple(dict.fromkeys(read_ipc(part) for part in parts if part.strip()))


def read_nice_list(value: str) -> tuple[int, ...]:
    """The Nice classes of a cell: ``9``, ``009``, ``9;42``, ``第9类、第42类``."""
    text = read_text(value) or ""
    parts = _CLASS_MARKS.split(text.replace("第", " ").replace("类", " "))
    return tuple(dict.fromkeys(read_nice(part) for part in parts if part))


def read_nice(value: str) -> int:
    if re.fullmatch(r"\d{1,3}", value, re.ASCII) and 1 <= int(value) <= NICE_CLASS_MAX:
        return int(value)
    raise ValueRefused(say("is not a Nice class from 1 to {last}", last=NICE_CLASS_MAX))


def _refuse_unseen(character: str) -> None:
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp":
            raise ValueRefused(
                say(
                    "contains {what}",
                    what=say("a control character ({name})", name=f"U+{ord(character):04X}"),
                )
            )
        case "Cs":
            raise ValueRefused(say("contains bytes that are no text"))
        case "Cf":
            raise ValueRefused(
                say(
                    "contains {what}",
                    what=say(
                        "an invisible or direction-changing character ({name})",
                        name=f"U+{ord(character):04X}",
                    ),
                )
            )


def _read_calendar_day(text: str) -> date | None:
    for form in _DAY_FORMS:
        if found := form.fullmatch(text):
            year, month, day = map(int, found.groups())
            try:
                return date(year, month, day)
            except ValueError:
                raise ValueRefused(say("is a day that no calendar has")) from None
    return None
