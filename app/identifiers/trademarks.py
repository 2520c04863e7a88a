"""Trademark registration numbers: national, divided, and international by Madrid. No check digit.

A divided application carries a letter after its number: 1234567A. A Madrid number has G before it.
"""

import re

from app.core.messages import say
from app.identifiers.answer import Facts, Identified, accepted
from app.identifiers.text import Malformed, fold

# A space may part 第, 号, G and the division letter from the digits, never the digits themselves:
# nothing here would notice that two numbers were joined.
_SHAPE = re.compile(
    r"(?P<quoted>第 ?)?(?P<madrid>G ?)?0*(?P<digits>[1-9][0-9]*) ?(?P<division>[A-Z]?)"
    r"(?(quoted) ?号)"
)
NATIONAL_DIGITS_MAX = 8
MADRID_DIGITS = (6, 7)


def read_trademark(value: str) -> Identified:
    """The number without leading zeros, G before and the division letter after it.

    Raises ``Malformed``.
    """
    found = _SHAPE.fullmatch(fold(value))
    if found is None:
        raise Malformed(
            say(
                "is not a trademark number: 1 to 8 digits, or G and 6 or 7 digits, "
                "and perhaps a letter"
            )
        )
    madrid, digits, division = bool(found["madrid"]), found["digits"], found["division"]
    if madrid and len(digits) not in MADRID_DIGITS:
        raise Malformed(
            say("has {count} digits; an international number has 6 or 7", count=len(digits))
        )
    if not madrid and len(digits) > NATIONAL_DIGITS_MAX:
        raise Malformed(
            say("has {count} digits; a trademark number has at most 8", count=len(digits))
        )
    facts: Facts = {"madrid": madrid}
    if division:
        facts["division"] = division
    return accepted(f"{'G' if madrid else ''}{digits}{division}", facts)
