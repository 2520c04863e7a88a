"""Trademarks of other offices: EUIPO search results, US status records (TSDR), French notices."""

from typing import Any

from app.identifiers.rights import RightKind
from app.registers.draft import Draft
from app.registers.jsontext import as_text, holding, inside, objects, parse_json
from app.registers.records import EventRecord, Limits, Outcomes, RegisterFormat
from app.registers.values import ValueRefused, read_nice
from app.registers.xmltext import children, local, named, parse_xml, text_at

_EUIPO_MAPPED = {
    "applicants",
    "applicationDate",
    "applicationNumber",
    "designationDate",
    "expiryDate",
    "niceClasses",
    "publications",
    "registrationDate",
    "status",
    "wordMarkSpecification",
}
_TSDR_MAPPED = {
    "serialNumber",
    "filingDate",
    "usRegistrationNumber",
    "usRegistrationDate",
    "markElement",
    "extStatusDesc",
    "status",
    "statusDate",
}
_INPI_MAPPED = {
    "ApplicationNumber",
    "ApplicationDate",
    "RegistrationNumber",
    "RegistrationDate",
    "ExpiryDate",
    "PublicationDate",
    "Mark",
    "ClassNumber",
    "ApplicantName",
    "HolderName",
    "MarkCurrentStatusCode",
}


def read_euipo(data: bytes, *, limits: Limits) -> Outcomes:
    """One record per mark; its publications in the bulletin are its events."""
    for line, mark in enumerate(objects(inside(parse_json(data, limits=limits), "trademarks")), 1):
        draft = Draft(RegisterFormat.EUIPO_JSON, line, "EM")
        draft.unmapped += [k for k, v in mark.items() if k not in _EUIPO_MAPPED and holding(v)]
        number = as_text(mark.get("applicationNumber"))
        events = tuple(_read_publication(draft, p) for p in objects(mark.get("publications")))
        # An international registration has no filing here: it designates the EU on some day.
        filed = as_text(mark.get("applicationDate")) or as_text(mark.get("designationDate"))
        yield from draft.outcomes(
            record_id=number,
            kind=RightKind.TRADEMARK,
            number=draft.number(RightKind.TRADEMARK, number),
            title=draft.title(as_text(inside(mark, "wordMarkSpecification", "verbalElement"))),
            holders=draft.holders(as_text(a.get("name")) for a in objects(mark.get("applicants"))),
            filed_on=draft.day("filed_on", filed),
            published_on=min((event.on for event in events if event.on), default=None),
            registered_on=draft.day("registered_on", as_text(mark.get("registrationDate"))),
            expires_on=draft.day("expires_on", as_text(mark.get("expiryDate"))),
            nice_classes=_read_nice(draft, mark.get("niceClasses")),
            status=draft.text("status", as_text(mark.get("status"))),
            events=events,
        )


def read_tsdr(data: bytes, *, limits: Limits) -> Outcomes:
    """One record per mark; its prosecution history is its events."""
    for line, mark in enumerate(objects(inside(parse_json(data, limits=limits), "trademarks")), 1):
        draft = Draft(RegisterFormat.TSDR, line, "US")
        status = mark.get("status")
        named_there = status.items() if isinstance(status, dict) else ()
        draft.unmapped += [k for k, v in named_there if k not in _TSDR_MAPPED and holding(v)]
        number = as_text(inside(status, "serialNumber"))
        codes = [
            as_text(found.get("code"))
            for goods in objects(mark.get("gsList"))
            for found in objects(goods.get("internationalClasses"))
        ]
        history = objects(mark.get("prosecutionHistory"))
        gazettes = objects(inside(mark, "publication", "officialGazettes"))
        draft.unmapped += ["officialGazettes"] if gazettes else []
        yield from draft.outcomes(
            record_id=number,
            kind=RightKind.TRADEMARK,
            number=draft.number(RightKind.TRADEMARK, number),
            grant_number=draft.text(
                "grant_number", as_text(inside(status, "usRegistrationNumber"))
            ),
            title=draft.title(as_text(inside(status, "markElement"))),
            holders=draft.holders(_owners(inside(mark, "parties", "ownerGroups"))),
            filed_on=draft.day("filed_on", as_text(inside(status, "filingDate"))),
            registered_on=draft.day("registered_on", as_text(inside(status, "usRegistrationDate"))),
            nice_classes=_read_nice(draft, codes),
            status=draft.text("status", as_text(inside(status, "extStatusDesc"))),
            events=tuple(_read_history_entry(draft, entry) for entry in history),
        )


def read_inpi(data: bytes, *, limits: Limits) -> Outcomes:
    """One record per notice."""
    root = parse_xml(data, limits=limits)
    for line, mark in enumerate(named(root, "TradeMark"), start=1):
        draft = Draft(RegisterFormat.INPI_ST66, line, "FR")
        draft.unmapped += [
            local(e) for e in mark if local(e) not in _INPI_MAPPED and text_at(e) is not None
        ]
        number = text_at(mark, "ApplicationNumber")
        names = {
            role: [name for e in children(mark, role) if (name := text_at(e))]
            for role in ("HolderName", "ApplicantName")
        }
        yield from draft.outcomes(
            record_id=number,
            kind=RightKind.TRADEMARK,
            number=draft.number(RightKind.TRADEMARK, number),
            grant_number=draft.text("grant_number", text_at(mark, "RegistrationNumber")),
            title=draft.title(text_at(mark, "Mark")),
            holders=draft.holders(names["HolderName"] or names["ApplicantName"]),
            filed_on=draft.day("filed_on", text_at(mark, "ApplicationDate")),
            published_on=draft.day("published_on", text_at(mark, "PublicationDate")),
            registered_on=draft.day("registered_on", text_at(mark, "RegistrationDate")),
            expires_on=draft.day("expires_on", text_at(mark, "ExpiryDate")),
            nice_classes=_read_nice(draft, [text_at(e) for e in children(mark, "ClassNumber")]),
            status=draft.text("status", text_at(mark, "MarkCurrentStatusCode")),
        )


def _read_publication(draft: Draft, publication: dict[str, Any]) -> EventRecord:
    return draft.event(
        as_text(publication.get("publicationSection")),
        as_text(publication.get("publicationDate")),
        "published in the EUTM Bulletin",
        details=[("bulletinNumber", as_text(publication.get("bulletinNumber")))],
    )


def _read_history_entry(draft: Draft, entry: dict[str, Any]) -> EventRecord:
    """An entry of the history; its instant is midnight in Washington, so its day is the day."""
    return draft.event(
        as_text(entry.get("entryCode")),
        (as_text(entry.get("entryDate")) or "").partition("T")[0] or None,
        as_text(entry.get("entryDesc")),
        details=[("entryNumber", as_text(entry.get("entryNumber")))],
    )


def _owners(groups: Any) -> list[str | None]:
    """The owners of the latest group: TSDR numbers its groups in the order of ownership."""
    if not isinstance(groups, dict) or not groups:
        return []
    latest = max(groups, key=lambda key: (len(key), key))
    return [as_text(owner.get("name")) for owner in objects(groups[latest])]


def _read_nice(draft: Draft, values: Any) -> tuple[int, ...]:
    """The Nice classes; offices also number classes of their own (200: collective membership)."""
    classes = []
    for value in values if isinstance(values, list) else []:
        try:
            classes.append(read_nice(as_text(value) or ""))
        except ValueRefused:
            draft.unmapped.append("niceClasses")
    return tuple(dict.fromkeys(classes))
