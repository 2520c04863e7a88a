"""What people read: English in the source, further languages in catalogues under ``app/locale``.

    say("must be from {lowest} to {highest}", lowest=1, highest=5)
      ├── as the string it is      must be from 1 to 5     compared, logged, stored in the database
      └── by str() and f"{…}"      应介于 1 至 5 之间        in the language of the present context

The English template is the key of the catalogue (gettext's msgid). Whatever is stored is English
and stays so, for who reads it later may read another language than who caused it; what people read
from the database is stored in both, told() in each, and chosen by either().
"""

import gettext
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, LiteralString, Self

from app.core.decimals import plain

LOCALE = Path(__file__).parents[1] / "locale"
DOMAIN = "zhirong"


class Language(StrEnum):
    """The languages of answers, by their codes in HTTP and in ``app/locale``."""

    CHINESE = "zh"
    ENGLISH = "en"


_language: ContextVar[Language] = ContextVar("language", default=Language.ENGLISH)

get_language = _language.get


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Within the block ``str()`` of a text speaks ``language``."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


class Text(str):
    """A sentence in English that ``str()`` tells in the language of the present context.

    It is a string so that whatever asks for one takes it: what forgets to call ``str()`` answers
    in English, and nothing breaks.
    """

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, values: Mapping[str, Any]) -> Self:
        text = super().__new__(cls, _fill(template, values, Language.ENGLISH))
        text.template, text.values = template, values
        return text

    def __str__(self) -> str:
        return told(self, get_language())

    def __getnewargs__(self) -> tuple[Any, ...]:  # for copies, such as those of asdict()
        return self.template, self.values


class Pair(Text):
    """A sentence that data holds in both languages: English as a string, ``chinese`` beside it."""

    chinese: str

    def __new__(cls, english: str, chinese: str) -> Self:
        text = super().__new__(cls, english, {})
        text.chinese = chinese
        return text

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.template, self.chinese


def say(template: LiteralString, **values: Any) -> Text:
    """A text for people; ``values`` fill the ``{name}`` fields and may be texts themselves.

    ``make messages`` finds the calls of this function by its name.
    """
    return Text(template, values)


def all_of(names: Iterable[str]) -> str:
    """As in: a, b, c."""
    first, *others = [*names] or [""]
    for other in others:
        first = say("{some}, {other}", some=first, other=other)
    return first


def either_of(names: Iterable[str]) -> str:
    """As in: a, b or c."""
    *others, last = names
    return say("{some} or {other}", some=all_of(others), other=last) if others else last


def told(text: str, language: Language) -> str:
    """``text`` in ``language``; a plain string is what it is."""
    if not isinstance(text, Text):
        return text
    if language is Language.ENGLISH:
        return str.__str__(text)
    if isinstance(text, Pair):
        return text.chinese
    return _fill(translated(text.template, language), text.values, language)


def either(english: str | None, chinese: str | None) -> str | None:
    """What is stored in both languages, in that of the context; English where it is alone."""
    return chinese if chinese and get_language() is Language.CHINESE else english


def translated(template: str, language: Language | None = None) -> str:
    """The template in ``language``, by default the context's; itself where no catalogue has it."""
    language = language or get_language()
    return template if language is Language.ENGLISH else _catalogue(language).gettext(template)


def _fill(template: str, values: Mapping[str, Any], language: Language) -> str:
    if not values:
        return template
    return template.format_map({name: _filled(value, language) for name, value in values.items()})


def _filled(value: Any, language: Language) -> Any:
    match value:
        case Text():
            return told(value, language)
        case Decimal():
            return plain(value)
    return value


@cache
def _catalogue(language: Language) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE, [language])
