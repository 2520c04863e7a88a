"""EPO Open Patent Services: bibliographic data, search hits, and families with their legal events.

A family lists publications, so an application with an A1 and a B1 comes as two records of one
number. Legal events are those of L001EP to L5xxEP: L007EP is the day of the gazette, L525EP the
day of effect.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from app.core.messages import say
from app.identifiers.rights import RightKind
from app.registers.draft import Draft, kind_of_publication, with_check_digit
from app.registers.jsontext import as_text, inside, objects, parse_json
from app.registers.records import EventRecord, Limits, Outcomes, RegisterFormat
from app.registers.values import ValueRefused, read_ipc
from app.registers.xmltext import children, local, named, parse_xml, text_at

_BIBLIO_MAPPED = {
    "publication-reference",
    "application-reference",
    "classifications-ipcr",
    "classification-ipc",
    "parties",
    "invention-title",
}
_MEMBER_MAPPED = {"publication-reference", "application-reference", "legal"}
_EVENT_CODE, _GAZETTE, _EFFECTIVE, _PARTS = "L008EP", "L007EP", "L525EP", "L500EP"
_NO_DAY = ("0001-01-01", "00010101")  # how OPS writes that it has no date


@dataclass(frozen=True, slots=True)
class DocumentId:
    """One way of naming a document: docdb, epodoc or the office's own (original)."""

    country: str | None
    number: str | None
    kind: str | None
    on: str | None


def read_biblio(data: bytes, *, limits: Limits) -> Outcomes:
    """The exchange documents of a response, or else the publications a search found."""
    if data.lstrip().startswith((b"{", b"\xef\xbb\xbf{")):
        yield from _read_hits_json(parse_json(data, limits=limits))
        return
    root = parse_xml(data, limits=limits)
    documents = list(named(root, "exchange-document"))
    for line, document in enumerate(documents, start=1):
        yield from _read_document(document, line)
    if not documents:
        results = (found for part in named(root, "search-result") for found in part)
        hits = (hit for hit in results if local(hit) == "publication-reference")
        for line, hit in enumerate(hits, start=1):
            found = _document_ids(hit).get("docdb")
            yield from _read_hit(found or DocumentId(None, None, None, None), line)


def read_family(data: bytes, *, limits: Limits) -> Outcomes:
    """One record per family member, with the legal events that stand under it."""
    root = parse_xml(data, limits=limits)
    for line, member in enumerate(named(root, "family-member"), start=1):
        publication = _document_ids(next(children(member, "publication-reference"), None))
        draft = _draft(publication, RegisterFormat.EPO_LEGAL_FAMILY, line)
        draft.unmapped += [local(e) for e in member if local(e) not in _MEMBER_MAPPED]
        events = tuple(_read_event(draft, legal) for legal in children(member, "legal"))
        yield from draft.outcomes(**_common_fields(draft, member, publication), events=events)


def _read_document(document: Element, line: int) -> Outcomes:
    biblio = next(children(document, "bibliographic-data"), document)
    publication = _document_ids(next(children(biblio, "publication-reference"), None))
    stated = DocumentId(
        document.get("country"), document.get("doc-number"), document.get("kind"), None
    )
    publication.setdefault("docdb", stated)
    draft = _draft(publication, RegisterFormat.EPO_BIBLIO, line)
    draft.unmapped += [local(e) for e in biblio if local(e) not in _BIBLIO_MAPPED]
    draft.unmapped += [local(e) for e in document if local(e) != "bibliographic-data"]
    titles = {title.get("lang"): text_at(title) for title in children(biblio, "invention-title")}
    # The language of the filing is not stated; Chinese, then English, then whatever there is.
    title = titles.get("zh") or titles.get("en") or next(iter(titles.values()), None)
    yield from draft.outcomes(
        **_common_fields(draft, biblio, publication),
        title=draft.title(title),
        holders=_read_applicants(draft, biblio),
        ipc_classes=_read_classes(draft, biblio),
    )


def _document_ids(reference: Element | None) -> dict[str, DocumentId]:
    """The names of the document that ``reference`` gives, by their type."""
    if reference is None:
        return {}
    return {
        found.get("document-id-type", "docdb"): DocumentId(
            text_at(found, "country"),
            text_at(found, "doc-number"),
            text_at(found, "kind"),
            text_at(found, "date"),
        )
        for found in children(reference, "document-id")
    }


def _draft(publication: dict[str, DocumentId], format: RegisterFormat, line: int) -> Draft:
    docdb = publication.get("docdb")
    country = (docdb.country if docdb else None) or ""
    draft = Draft(format, line, country.strip())
    if not draft.jurisdiction:
        draft.refuse("jurisdiction", say("is missing: the publication names no country"))
    return draft


def _common_fields(
    draft: Draft, biblio: Element, publication: dict[str, DocumentId]
) -> dict[str, Any]:
    """What a bibliographic document and a family member both say of a right."""
    docdb = publication.get("docdb", DocumentId(None, None, None, None))
    number = f"{draft.jurisdiction}{docdb.number or ''}{docdb.kind or ''}"
    published = draft.text("publication_number", number)
    day = draft.day("published_on", docdb.on)
    kind = kind_of_publication(draft.jurisdiction, docdb.kind or "")
    application = _document_ids(next(children(biblio, "application-reference"), None))
    filed = next((found.on for found in application.values() if found.on), None)
    granted = _is_grant(draft.jurisdiction, docdb.kind or "", kind)
    return {
        "record_id": published,
        "kind": kind,
        "number": draft.number(kind, _application_number(draft, application)),
        "publication_number": None if granted else published,
        "grant_number": published if granted else None,
        "filed_on": draft.day("filed_on", filed),
        "published_on": None if granted else day,
        "granted_on": day if granted else None,
    }


def _is_grant(country: str, kind_code: str, kind: RightKind) -> bool:
    """Whether a publication of ``kind_code`` says the right was granted.

    B and C everywhere; in China every utility model and design, which are published only once
    granted. Other offices' A and U differ too much over the years to be read so.
    """
    return kind_code[:1] in ("B", "C") or (country == "CN" and kind is not RightKind.INVENTION)


def _application_number(draft: Draft, application: dict[str, DocumentId]) -> str | None:
    """The office's own number if it is there, else that of docdb.

    For China the original carries the check digit and docdb cuts it off; it can be computed.
    """
    original, docdb = application.get("original"), application.get("docdb")
    if original is not None and original.number:
        return original.number
    number = docdb.number if docdb is not None else None
    if number is not None and draft.jurisdiction == "CN":
        return with_check_digit(number.strip())
    return number


def _read_applicants(draft: Draft, biblio: Element) -> tuple[str, ...]:
    """The applicants as they wrote themselves, else in the normalised spelling of epodoc."""
    for spelling in ("original", "epodoc"):
        names = [
            text_at(applicant, "applicant-name", "name")
            for applicant in named(biblio, "applicant")
            if applicant.get("data-format") == spelling
        ]
        if any(names):
            return draft.holders(names)
    return ()


def _read_classes(draft: Draft, biblio: Element) -> tuple[str, ...]:
    texts = [text_at(found, "text") for found in named(biblio, "classification-ipcr")]
    if not texts:
        # Older documents have the edition of their time only.
        texts = [text_at(t) for c in named(biblio, "classification-ipc") for t in c]
    classes = []
    for text in filter(None, texts):
        try:
            classes.append(read_ipc(text))
        except ValueRefused:
            draft.unmapped.append("classification-ipcr")
    return tuple(dict.fromkeys(classes))


def _read_event(draft: Draft, legal: Element) -> EventRecord:
    facts = {local(fact): fact for fact in legal}
    parts = list(facts.get(_PARTS, ()))
    effective = next((part for part in parts if local(part) == _EFFECTIVE), None)
    country = ("Country Code", text_at(facts.get("L001EP")))
    influence = ("Influence", legal.get("infl"))
    return draft.event(
        legal.get("code") or text_at(facts.get(_EVENT_CODE)),
        _stated_day(text_at(facts.get(_GAZETTE))),
        legal.get("desc"),
        effective_on=_stated_day(text_at(effective)),
        details=[country, influence, *_event_details(parts)],
    )


def _event_details(parts: Iterable[Element]) -> list[tuple[str, str | None]]:
    return [
        (part.get("desc") or local(part), text_at(part))
        for part in parts
        if local(part) != _EFFECTIVE
    ]


def _stated_day(value: str | None) -> str | None:
    return None if value is None or value.strip() in _NO_DAY else value


def _read_hits_json(value: Any) -> Outcomes:
    for line, hit in enumerate(objects(inside(value, "results")), start=1):
        country, number, kind = (as_text(hit.get(k)) for k in ("country", "doc_number", "kind"))
        yield from _read_hit(DocumentId(country, number, kind, None), line)


def _read_hit(hit: DocumentId, line: int) -> Outcomes:
    """A publication that a search found: known by its publication number, and by nothing else."""
    draft = _draft({"docdb": hit}, RegisterFormat.EPO_BIBLIO, line)
    kind = kind_of_publication(draft.jurisdiction, hit.kind or "")
    published = draft.text("number", f"{draft.jurisdiction}{hit.number or ''}{hit.kind or ''}")
    if not hit.number:
        draft.refuse("number", say("is missing"))
    elif draft.jurisdiction == "CN":
        draft.refuse("number", say("is missing: a search hit has no application number"), published)
    granted = _is_grant(draft.jurisdiction, hit.kind or "", kind)
    yield from draft.outcomes(
        record_id=published,
        kind=kind,
        number=published,
        publication_number=None if granted else published,
        grant_number=published if granted else None,
    )
