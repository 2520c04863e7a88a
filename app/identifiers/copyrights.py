"""Registration numbers (登记号) of software copyrights and of other works.

2021SR0001234               software: year, SR, serial of 7 digits (6 until 2018)
国作登字-2021-F-00012345    works: registry, year, category, serial
"""

import re

from app.core.messages import say
from app.identifiers.answer import Identified, accepted
from app.identifiers.text import Malformed, compact

YEAR_MIN = 1991  # the Copyright Law and the software regulations both came into force in it

_SOFTWARE = re.compile(r"([0-9]{4})SR([0-9]{6,7})")
_CERTIFICATE = re.compile(r"软著登字第[0-9]+号")

# 国 is the national registry; the others are the short names of the provinces.
_REGISTRIES = "国京津沪渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"
_WORK = re.compile(rf"([{_REGISTRIES}])作登字-?([0-9]{{4}})-?([A-L])-?([0-9]{{8}})")

# The serial grew in the course of this year, so that both widths are usual in it.
_SERIAL_GREW_IN = 2018
_SERIAL_DIGITS_BEFORE = 6


def read_software(value: str) -> Identified:
    """The software registration number; an odd width of its serial is a fact, not an error.

    Raises ``Malformed``.
    """
    text = compact(value)
    if _CERTIFICATE.fullmatch(text):
        raise Malformed(
            say("is the number of the certificate; the registration number has SR in it")
        )
    found = _SOFTWARE.fullmatch(text)
    if found is None:
        raise Malformed(say("is not a software registration number: a year, SR and 6 or 7 digits"))
    year, serial = _year(found[1]), found[2]
    short = len(serial) == _SERIAL_DIGITS_BEFORE
    usual = year <= _SERIAL_GREW_IN if short else year >= _SERIAL_GREW_IN
    return accepted(text, {"number_year": year, "serial": serial, "serial_width_usual": usual})


def read_work(value: str) -> Identified:
    """The registration number of a work, with its hyphens. Raises ``Malformed``."""
    found = _WORK.fullmatch(compact(value))
    if found is None:
        raise Malformed(
            say(
                "is not a work registration number: the registry's 作登字, a year, a letter A to L "
                "and 8 digits"
            )
        )
    registry, year, category, serial = found.groups()
    return accepted(
        f"{registry}作登字-{year}-{category}-{serial}",
        {"number_year": _year(year), "registry": registry, "category": category},
    )


def _year(digits: str) -> int:
    year = int(digits)
    if year < YEAR_MIN:
        raise Malformed(
            say(
                "is of the year {year}; there was no such register before {first}",
                year=year,
                first=YEAR_MIN,
            )
        )
    return year
