"""What a firm states of a right, read into columns: numbers normalised, the term computed."""

from calendar import monthrange
from datetime import date, timedelta
from typing import Any

from app.core.errors import FieldRefused
from app.core.messages import say
from app.identifiers import terms
from app.identifiers.classes import read_locarno
from app.identifiers.identifier import IdentifierKind, identify
from app.identifiers.rights import KIND_NAMES, Register, RightKind, register_of
from app.identifiers.text import Malformed
from app.schemas.rights import PatentIn, RightIn, TrademarkIn

CHINA = "CN"
MARK_TERM_YEARS = 10

_NUMBERS = {
    RightKind.INVENTION: IdentifierKind.PATENT,
    RightKind.UTILITY_MODEL: IdentifierKind.PATENT,
    RightKind.DESIGN: IdentifierKind.PATENT,
    RightKind.TRADEMARK: IdentifierKind.TRADEMARK,
    RightKind.SOFTWARE_COPYRIGHT: IdentifierKind.SOFTWARE_COPYRIGHT,
    RightKind.WORK_COPYRIGHT: IdentifierKind.WORK_COPYRIGHT,
}

# Every column a statement decides, with what it is when the kind has no such field.
_BLANK: dict[str, Any] = {
    "filed_on": None,
    "granted_on": None,
    "publication_number": None,
    "grant_number": None,
    "ipc": [],
    "nice": [],
    "locarno": None,
    "work_category": None,
    "version_number": None,
    "completed_on": None,
    "first_published_on": None,
    "annuity_paid_through_year": None,
    "invalidation_pending": False,
    "same_day_invention": False,
    "cancellation_pending": False,
    "similar_marks_outside": False,
}


def read(stated: RightIn, *, today: date) -> dict[str, Any]:
    """The columns of a Chinese right. FieldRefused for what its register's rules forbid."""
    given = stated.model_dump(exclude={"registered_on", "expires_on"})
    if not isinstance(stated, PatentIn):
        given["granted_on"] = stated.registered_on
    fields = _BLANK | given | {"jurisdiction": CHINA, "register": register_of(stated.kind)}
    fields["number"] = read_number(stated.kind, stated.number, today=today)
    fields["ipc"] = [_identified("ipc", IdentifierKind.IPC, symbol) for symbol in fields["ipc"]]
    fields["nice"] = sorted(set(fields["nice"]))
    if publication := fields["publication_number"]:
        fields["publication_number"] = _identified(
            "publication_number", IdentifierKind.PUBLICATION, publication
        )
        check_publication(stated.kind, publication)
    if locarno := fields["locarno"]:
        try:
            fields["locarno"] = read_locarno(locarno).normalised
        except Malformed as error:
            raise FieldRefused("locarno", error.reason) from error
    if stated.kind is not RightKind.UTILITY_MODEL and fields["same_day_invention"]:
        raise FieldRefused("same_day_invention", say("is a fact of utility models only"))
    granted_name = "granted_on" if isinstance(stated, PatentIn) else "registered_on"
    check_dates(fields, today=today, granted_name=granted_name)
    fields["expires_on"] = term_end(stated.kind, fields)
    if isinstance(stated, TrademarkIn) and stated.expires_on is not None:
        fields["expires_on"] = renewed_term(stated.registered_on, stated.expires_on)
    return fields


def read_number(kind: RightKind, value: str, *, today: date) -> str:
    """The number to store a Chinese right by: normalised, a patent's without ZL."""
    found = identify(_NUMBERS[kind], value, today=today)
    if found.normalised is None:
        raise FieldRefused("number", found.reason or say("is not valid"))
    if register_of(kind) is not Register.PATENTS:
        return found.normalised
    if found.facts["right"] != kind.value:
        raise FieldRefused(
            "kind",
            say(
                "is {kind} where the number says {stated}",
                kind=KIND_NAMES[kind],
                stated=KIND_NAMES[RightKind(str(found.facts["right"]))],
            ),
        )
    return str(found.facts["application_number"])


def check_publication(kind: RightKind, value: str) -> None:
    """FieldRefused if the publication number is of another kind of right."""
    stated = identify(IdentifierKind.PUBLICATION, value).facts.get("right", kind.value)
    if stated != kind.value:
        raise FieldRefused(
            "publication_number",
            say(
                "is of the kind {stated}; the right is of the kind {kind}",
                stated=KIND_NAMES[RightKind(str(stated))],
                kind=KIND_NAMES[kind],
            ),
        )


def read_uscc(value: str) -> str:
    return _identified("uscc", IdentifierKind.USCC, value)


def _identified(field: str, kind: IdentifierKind, value: str) -> str:
    found = identify(kind, value)
    if found.normalised is None:
        raise FieldRefused(field, found.reason or say("is not valid"))
    return found.normalised


def check_dates(fields: dict[str, Any], *, today: date, granted_name: str = "granted_on") -> None:
    """What happened lies in the past; no grant before its filing, no record before the work."""
    for name in ("filed_on", "granted_on", "completed_on", "first_published_on"):
        day = fields.get(name)
        if day is not None and day > today:
            raise FieldRefused(
                granted_name if name == "granted_on" else name, say("is in the future")
            )
    filed_on, granted_on = fields.get("filed_on"), fields.get("granted_on")
    if filed_on is not None and granted_on is not None and granted_on < filed_on:
        raise FieldRefused(
            granted_name, say("is before {field}, {day}", field="filed_on", day=filed_on)
        )
    completed_on = fields.get("completed_on")
    if completed_on is not None and granted_on is not None and completed_on > granted_on:
        raise FieldRefused(
            "completed_on",
            say("is after the registration, on {registered_on}", registered_on=granted_on),
        )


def term_end(kind: RightKind, fields: dict[str, Any]) -> date | None:
    """When the right ends by law; None if the day it counts from is not known."""
    return terms.expires_on(
        kind,
        filed_on=fields["filed_on"],
        registered_on=fields["granted_on"],
        first_published_on=fields["first_published_on"],
        completed_on=fields["completed_on"],
    )


def renewed_term(registered_on: date | None, expires_on: date) -> date:
    """The stated end of a mark renewed so many times ten years; the day before is as usual."""
    if registered_on is None:
        raise FieldRefused("expires_on", say("needs registered_on, from which the term counts"))
    years = expires_on.year - registered_on.year
    day = min(registered_on.day, monthrange(expires_on.year, registered_on.month)[1])
    anniversary = date(expires_on.year, registered_on.month, day)
    # Registered on 1 January, the certificate says 31 December of the year before.
    eve = expires_on + timedelta(days=1)
    on_eve = (eve.month, eve.day) == (registered_on.month, registered_on.day)
    years = eve.year - registered_on.year if on_eve else years
    if years <= 0 or years % MARK_TERM_YEARS or not (expires_on == anniversary or on_eve):
        raise FieldRefused("expires_on", say("is no ten-year anniversary of registered_on"))
    return expires_on
