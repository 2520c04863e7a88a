"""Folding what people type into the few characters that numbers are made of, refusing the rest.

Only what cannot change the meaning is folded: full-width forms, kinds of space, dots, dashes and
the enumeration comma, lower case. Compatibility characters such as ² or ①, other scripts' digits
and letters that merely look Latin are refused, never repaired.
"""

import unicodedata
from dataclasses import dataclass

from app.core.messages import Text, say

VALUE_LENGTH_MAX = 200

_PUNCTUATION = dict.fromkeys("。·・•‧", ".") | dict.fromkeys("‐‑‒–—−", "-") | {"、": ","}


@dataclass(eq=False)
class Malformed(ValueError):
    """The text is not what it was given as; ``reason`` says why, to follow the field's name."""

    reason: str

    def __str__(self) -> str:
        return self.reason


def fold(value: str) -> str:
    """``value`` in upper-case ASCII and Chinese characters, single spaces, none at the ends.

    Folding twice changes nothing more. Raises ``Malformed`` if the value is empty, longer than
    ``VALUE_LENGTH_MAX`` or holds any character that no identifier has.
    """
    if len(value) > VALUE_LENGTH_MAX:
        raise Malformed(say("is longer than {length} characters", length=VALUE_LENGTH_MAX))
    folded = " ".join("".join(map(_fold_character, value)).split())
    if not folded:
        raise Malformed(say("is empty"))
    return folded


def compact(value: str) -> str:
    """``fold`` without the spaces: for numbers whose check digit or shape tells a wrong joining."""
    return fold(value).replace(" ", "")


def _fold_character(character: str) -> str:
    if unicodedata.category(character) == "Zs":
        return " "
    tag, *code_points = unicodedata.decomposition(character).split() or [""]
    plain = chr(int(code_points[0], 16)) if tag in ("<wide>", "<narrow>") else character
    plain = _PUNCTUATION.get(plain, plain)
    if (plain.isascii() and plain.isprintable()) or "\u4e00" <= plain <= "\u9fff":
        return plain.upper()
    raise Malformed(say("contains {what}", what=_describe(character)))


def _describe(character: str) -> Text:
    """``character`` by number and name: printed raw it could turn or hide the message itself."""
    name = f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp":
            return say("a control character ({name})", name=name)
        case "Cf" | "Mn" | "Mc" | "Me":
            return say(
                "an invisible, direction-changing or combining character ({name})", name=name
            )
        case "Cs" | "Co" | "Cn":
            return say("a code point that is no character ({name})", name=name)
        case _:
            return say("a character that no identifier has ({name})", name=name)
