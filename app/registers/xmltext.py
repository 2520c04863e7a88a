"""XML without entities, external references, endless depth or endless size."""

from collections.abc import Iterator
from contextlib import suppress
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from app.core.messages import say
from app.registers.records import Limits, UnreadableFile

CHUNK_BYTES = 65_536
ENTITIES = say("it declares entities, which this service does not read")
OUTLINE_ELEMENTS = 6  # enough of a document to tell which register wrote it


class _OutlineDone(Exception):
    """Enough elements were seen."""


class _BoundedBuilder(TreeBuilder):
    """Builds the tree and stops at the first element past a bound."""

    def __init__(self, *, limits: Limits, outline: int | None = None) -> None:
        super().__init__()
        self.names: list[str] = []
        self._limits = limits
        self._outline = outline
        self._depth = 0
        self._nodes = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        self._nodes += 1
        if self._depth > self._limits.xml_depth:
            raise UnreadableFile(
                say("its elements nest deeper than {depth}", depth=self._limits.xml_depth)
            )
        if self._nodes > self._limits.nodes:
            raise UnreadableFile(say("it has more than {count} elements", count=self._limits.nodes))
        if self._outline is not None:
            self.names.append(tag)
            if len(self.names) >= self._outline:
                raise _OutlineDone
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def parse_xml(data: bytes, *, limits: Limits) -> Element:
    """The root of the document. Raises ``UnreadableFile``.

    A DOCTYPE that only names its DTD is let pass, since ST.36 files carry one, and is not fetched.
    """
    return _parse(data, _BoundedBuilder(limits=limits))


def outline(data: bytes, *, limits: Limits) -> list[str]:
    """The full names of the first elements, without reading the rest."""
    builder = _BoundedBuilder(limits=limits, outline=OUTLINE_ELEMENTS)
    with suppress(_OutlineDone):  # the usual end: the rest of the document is for its reader
        _parse(data, builder)
    return builder.names


def check_branches(data: bytes, *, depth: int, elements_max: int) -> None:
    """Refuse a document in which one element at ``depth`` holds more than ``elements_max``.

    For readers that take such a branch whole, as openpyxl takes the row of a sheet (depth 3).
    """
    level = 0
    held = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal level, held
        level += 1
        held = 0 if level <= depth else held + 1
        if held > elements_max:
            raise UnreadableFile(
                say("one of its rows holds more than {count} elements", count=elements_max)
            )

    def end(tag: str) -> None:
        nonlocal level
        level -= 1

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(data, True)
    except (LookupError, ValueError, expat.ExpatError) as error:
        raise UnreadableFile(say("a part of it is not well-formed XML")) from error


def local(element: Element) -> str:
    """The name of ``element`` without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def named(element: Element, *names: str) -> Iterator[Element]:
    """The descendants of ``element``, itself included, whose local name is one of ``names``."""
    return (found for found in element.iter() if local(found) in names)


def children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if local(child) == name)


def text_at(element: Element | None, *path: str) -> str | None:
    """The text under the first child at each step of ``path``; None if there is none."""
    for name in path:
        if element is None:
            return None
        element = next(children(element, name), None)
    text = "".join(element.itertext()) if element is not None else ""
    return text.strip() or None


def _refuse_entity(*declaration: object) -> None:
    raise UnreadableFile(ENTITIES)


def _parse(data: bytes, builder: _BoundedBuilder) -> Element:
    parser = DefusedXMLParser(target=builder, forbid_entities=True, forbid_external=True)
    try:
        for start in range(0, len(data), CHUNK_BYTES):
            parser.feed(data[start : start + CHUNK_BYTES])
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise UnreadableFile(ENTITIES) from error
    except ParseError as error:
        raise UnreadableFile(say("it is not well-formed XML: {fault}", fault=str(error))) from error
    except (LookupError, ValueError) as error:
        raise UnreadableFile(say("it is in an encoding that cannot be read")) from error
    return root
