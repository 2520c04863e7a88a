"""Text cut into overlapping pairs of characters, by which Chinese is searched without a dictionary.

Pairs never span a space or a mark of punctuation; a lone character is a gram of its own.
"""

import unicodedata
from itertools import pairwise

GRAMS_MAX = 4000


def fold(text: str) -> str:
    """``text`` without differences of width and case; all that is no letter or digit is a space."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character if character.isalnum() else " " for character in folded)


def grams_of(*texts: str) -> list[str]:
    """The distinct grams of the texts, for storing: pairs, and every character by itself."""
    found: set[str] = set()
    for text in texts:
        for word in fold(text).split():
            found.update(word)
            found.update(a + b for a, b in pairwise(word))
    return sorted(found)[:GRAMS_MAX]


def grams_of_query(query: str) -> list[str]:
    """What a text must hold most of to be found: the pairs, and characters that stand alone."""
    found: set[str] = set()
    for word in fold(query).split():
        found.update([word] if len(word) == 1 else (a + b for a, b in pairwise(word)))
    return sorted(found)


def enough_of(grams: int) -> int:
    """How many of so many asked grams a text must hold: three in five, rounded up.

    So that 质押登记办理 finds 质押登记, whose pairs are three of its five.
    """
    return -(-grams * 3 // 5)
