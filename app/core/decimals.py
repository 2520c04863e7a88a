"""One form of one number: what every answer says of a rate, a share or a ratio."""

from decimal import Decimal


def plain(value: Decimal) -> str:
    """No trailing zeros, no exponent, no minus before zero: 80.000000 of a column is 80."""
    return f"{value.normalize() + 0:f}"
