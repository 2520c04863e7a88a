"""Application and patent numbers of CNIPA: 202110000001.6, with ZL in front once granted.

    2021 1 0000001 .6       since October 2003: year, type, serial, check digit
      97 1   01765 .4       before

The check digit is taken modulo 11, which is prime and divides neither a weight nor the difference
of two neighbouring weights: any one wrong digit and any two neighbours swapped are always found.
"""

import re

from app.core.messages import say
from app.identifiers.answer import Identified, accepted
from app.identifiers.rights import RightKind
from app.identifiers.text import Malformed, compact

WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
YEAR_MIN = 1985  # the Patent Law came into force on 1 April 1985
SHORT_LENGTH = 8
SHORT_FORM_YEAR_MAX = 2003  # CNIPA changed to twelve digits on 1 October 2003

_SHAPE = re.compile(r"(?:CN)?(ZL)?([0-9]{12}|[0-9]{8})(?:\.?([0-9X]))?")
_RIGHTS = {
    "1": RightKind.INVENTION,
    "2": RightKind.UTILITY_MODEL,
    "3": RightKind.DESIGN,
    "8": RightKind.INVENTION,  # came in by the PCT
    "9": RightKind.UTILITY_MODEL,  # came in by the PCT
}


def check_digit(body: str) -> str:
    """The character after the dot that belongs to the 8 or 12 digits before it."""
    # Eight digits take the first eight weights.
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=False))
    return "0123456789X"[total % 11]


def read_patent(value: str) -> Identified:
    """The number with its dot; ZL stays if it was given, CN goes.

    ``application_number`` among the facts is the bare number, the key to store and compare by.
    ``number_year`` is not the filing year: a divisional application keeps the older filing date.
    Raises ``Malformed``.
    """
    found = _SHAPE.fullmatch(compact(value))
    if found is None:
        raise Malformed(
            say(
                "is not a patent number: 12 digits (8 before October 2003), a dot and a check digit"
            )
        )
    prefix, body, given = found.groups(default="")
    year, type_digit = _year_and_type(body)
    if type_digit not in _RIGHTS:
        raise Malformed(
            say("has type digit {type_digit}; there are 1, 2, 3, 8 and 9", type_digit=type_digit)
        )
    expected = check_digit(body)
    if given != expected:
        was = say("has check digit {given}", given=given) if given else say("lacks its check digit")
        raise Malformed(say("{was}; {expected} was expected", was=was, expected=expected))
    number = f"{body}.{expected}"
    return accepted(
        prefix + number,
        {
            "right": _RIGHTS[type_digit].value,
            "number_year": year,
            "application_number": number,
            "pct": type_digit in "89",
        },
    )


def _year_and_type(body: str) -> tuple[int, str]:
    if len(body) == SHORT_LENGTH:
        century = 1900 if int(body[:2]) > SHORT_FORM_YEAR_MAX % 100 else 2000
        year, type_digit = century + int(body[:2]), body[2]
    else:
        year, type_digit = int(body[:4]), body[4]
    if year < YEAR_MIN:
        raise Malformed(
            say(
                "is of the year {year}; there are no Chinese patents before {first}",
                year=year,
                first=YEAR_MIN,
            )
        )
    return year, type_digit
