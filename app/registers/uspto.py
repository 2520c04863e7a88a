"""USPTO patent files: ST.36 grants and applications, and ST.96 documents of the file wrapper."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from xml.etree.ElementTree import Element

from app.core.messages import say
from app.identifiers.rights import RightKind
from app.registers.archive import MAGIC, check_markup, open_archive, read_member
from app.registers.draft import Draft
from app.registers.records import Limits, Outcomes, Refusal, RegisterFormat, UnreadableFile
from app.registers.values import ValueRefused, read_ipc
from app.registers.xmltext import children, local, named, parse_xml, text_at

_GRANT = "us-patent-grant"
_APPLICATION = "us-patent-application"
_ST36_MAPPED = {
    "publication-reference",
    "application-reference",
    "invention-title",
    "classifications-ipcr",
    "assignees",
    "us-parties",
}
_DESIGN_SERIES = ("29", "35")  # series codes of design applications, national and by the Hague
_PAPER_FIELDS = ("ApplicationNumber", "DocumentCode", "MailRoomDate", "InventionTitle")
_PAPER_BODIES = ("ClaimSet", "Specification", "Abstract")
_WRAPPER_CODES = {"CLM": "claims", "SPEC": "specification", "ABST": "abstract"}


def read_st36(data: bytes, *, limits: Limits) -> Outcomes:
    """One record per grant or application in the file."""
    root = parse_xml(data, limits=limits)
    for line, document in enumerate(named(root, _GRANT, _APPLICATION), start=1):
        yield from _read_document(document, line)


def read_st96(data: bytes, *, limits: Limits) -> Outcomes:
    """One record per application, its documents being events of the day the mail room took them.

    The line is the ordinal of the first document of the application. These documents name neither
    title nor holder, unless an InventionTitle is among them.
    """
    if not data.startswith(MAGIC):
        documents: Iterator[tuple[int, _Paper | Refusal]] = iter([(1, _read_paper(data, limits))])
    else:
        documents = _read_papers(data, limits=limits)
    applications: dict[str, tuple[int, list[_Paper]]] = {}
    for line, paper in documents:
        if isinstance(paper, Refusal):
            yield paper
        elif paper.application is None:
            yield Refusal(line, "number", say("is missing"), "")
        else:
            applications.setdefault(paper.application, (line, []))[1].append(paper)
    for number, (line, papers) in applications.items():
        yield from _read_wrapper(number, line, papers)


def _read_document(document: Element, line: int) -> Outcomes:
    draft = Draft(RegisterFormat.USPTO_ST36, line, "US")
    biblio = next((e for e in document if local(e).startswith("us-bibliographic-data")), document)
    draft.unmapped += [local(e) for e in biblio if local(e) not in _ST36_MAPPED]
    draft.unmapped += [local(e) for e in document if e is not biblio]
    application = next(children(biblio, "application-reference"), None)
    publication = next(children(biblio, "publication-reference"), None)
    kind = RightKind.INVENTION
    if application is not None and application.get("appl-type") == "design":
        kind = RightKind.DESIGN
    parts = (
        text_at(publication, "document-id", name) for name in ("country", "doc-number", "kind")
    )
    published = draft.text("publication_number", "".join(part.strip() for part in parts if part))
    published_on = draft.day("published_on", text_at(publication, "document-id", "date"))
    granted = local(document) == _GRANT
    yield from draft.outcomes(
        record_id=document.get("file") or published,
        kind=kind,
        number=draft.number(kind, text_at(application, "document-id", "doc-number")),
        publication_number=None if granted else published,
        grant_number=published if granted else None,
        title=draft.title(text_at(biblio, "invention-title")),
        holders=_read_holders(draft, biblio),
        filed_on=draft.day("filed_on", text_at(application, "document-id", "date")),
        published_on=None if granted else published_on,
        granted_on=published_on if granted else None,
        ipc_classes=_read_classes(draft, biblio),
    )


def _read_holders(draft: Draft, biblio: Element) -> tuple[str, ...]:
    """The assignees; before any assignment, the applicants."""
    for role in ("assignee", "us-applicant", "applicant"):
        names = [
            _name_of(book) for party in named(biblio, role) for book in named(party, "addressbook")
        ]
        if any(names):
            return draft.holders(names)
    return ()


def _name_of(book: Element) -> str | None:
    parts = [text_at(book, "first-name"), text_at(book, "last-name")]
    return text_at(book, "orgname") or " ".join(filter(None, parts)) or None


def _read_classes(draft: Draft, biblio: Element) -> tuple[str, ...]:
    classes = []
    for group in children(biblio, "classifications-ipcr"):
        for found in children(group, "classification-ipcr"):
            names = ("section", "class", "subclass", "main-group", "subgroup")
            parts = [(text_at(found, name) or "").strip() for name in names]
            symbol = f"{''.join(parts[:3])} {parts[3]}/{parts[4]}"
            try:
                classes.append(read_ipc(symbol))
            except ValueRefused:
                draft.unmapped.append("classification-ipcr")
    return tuple(dict.fromkeys(classes))


@dataclass(frozen=True, slots=True)
class _Paper:
    """What one document of a file wrapper says, without its text."""

    application: str | None
    record_id: str | None
    code: str | None
    received_on: str | None
    title: str | None
    unmapped: tuple[str, ...]


def _read_papers(data: bytes, *, limits: Limits) -> Iterator[tuple[int, _Paper | Refusal]]:
    """The documents of a container by ordinal; what is broken or no XML is refused alone."""
    archive, members = open_archive(data, limits=limits)
    with archive:
        check_markup(archive, members, limits=limits)
        for line, member in enumerate(members, start=1):
            try:
                yield line, _read_paper(read_member(archive, member), limits)
            except UnreadableFile as error:
                yield line, Refusal(line, "document", error.reason, "")


def _read_paper(text: bytes, limits: Limits) -> _Paper:
    root = parse_xml(text, limits=limits)
    first = {name: next(named(root, name), None) for name in _PAPER_FIELDS}
    return _Paper(
        application=text_at(first["ApplicationNumber"]),
        record_id=next((v for k, v in root.attrib.items() if k.endswith("}id")), None),
        code=text_at(first["DocumentCode"]),
        received_on=text_at(first["MailRoomDate"]),
        title=text_at(first["InventionTitle"]),
        unmapped=tuple(local(e) for e in root if local(e) in _PAPER_BODIES),
    )


def _read_wrapper(number: str, line: int, papers: list[_Paper]) -> Outcomes:
    draft = Draft(RegisterFormat.USPTO_ST96, line, "US")
    is_design = number.startswith(_DESIGN_SERIES)
    kind = RightKind.DESIGN if is_design else RightKind.INVENTION
    events = []
    for paper in papers:
        what = _WRAPPER_CODES.get(paper.code or "", "document")
        details = [("document", paper.record_id)]
        events.append(
            draft.event(paper.code, paper.received_on, f"{what} received", details=details)
        )
        draft.unmapped += paper.unmapped
    yield from draft.outcomes(
        record_id=number,
        kind=kind,
        number=draft.number(kind, number),
        title=draft.title(next((paper.title for paper in papers if paper.title), None)),
        events=tuple(sorted(events, key=lambda event: (event.on or date.max, event.code))),
    )
