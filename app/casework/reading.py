"""Reads what is stated of a case, tells what a move asks, and checks a case before it is opened."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.casework.kind import CaseField, Check, FieldType, KindVersion, Move, Role
from app.core.errors import Conflict, FieldRefused, Forbidden
from app.core.messages import Text, say
from app.core.money import ZERO, Money
from app.identifiers.identifier import IdentifierKind, identify
from app.workdays.calendar import WorkCalendar, add_working_days

TEXT_MAX = 4000

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_IDENTIFIERS = {
    FieldType.PATENT: IdentifierKind.PATENT,
    FieldType.USCC: IdentifierKind.USCC,
}


@dataclass(eq=False)
class MoveRefused(Conflict):
    """The case is not where the move could be made; ``allowed`` are those that could."""

    message = "The case is at “{state}”; “{move}” is not possible from there."

    state: str
    move: str
    allowed: list[str]


@dataclass(eq=False)
class NotYourMove(Forbidden):
    message = "“{move}” is for others to do in this case."

    move: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that does not hold, or that cannot be made before its field is stated."""

    check: str
    text: Text
    blocks: bool


def find_move(version: KindVersion, *, state: str, move: str, roles: set[Role]) -> Move:
    """The move, if the case's state and the actor's roles allow it."""
    found = next((one for one in version.moves if one.id == move), None)
    if found is None:
        known = ", ".join(one.id for one in version.moves)
        raise FieldRefused("move", say("is none of {known}", known=known))
    if state not in found.sources:
        allowed = [one.id for one in moves_from(version, state=state, roles=roles)]
        raise MoveRefused(version.state(state).text, found.text, allowed)
    if not roles & set(found.by):
        raise NotYourMove(found.text)
    return found


def moves_from(version: KindVersion, *, state: str, roles: set[Role]) -> Sequence[Move]:
    """What somebody of these roles may do now."""
    return [one for one in version.moves if state in one.sources and roles & set(one.by)]


def read_fields(
    version: KindVersion,
    given: Mapping[str, Any],
    *,
    allowed: Sequence[str],
    today: date,
    calendar: WorkCalendar,
) -> dict[str, Any]:
    """The stated fields as JSON keeps them; FieldRefused, naming ``fields.x``, for a bad one."""
    read = {}
    for name, value in given.items():
        field = version.field_by_name.get(name)
        if field is None or name not in allowed:
            raise FieldRefused(f"fields.{name}", say("is not stated here"))
        read[name] = _read(field, value, today=today, calendar=calendar)
    return read


def must_stand(version: KindVersion, fields: Mapping[str, Any], names: Sequence[str]) -> None:
    """FieldRefused for the first of ``names`` that nobody has stated."""
    for name in names:
        if name not in fields:
            meaning = version.field_by_name[name].text
            raise FieldRefused(f"fields.{name}", say("is missing: {meaning}", meaning=meaning))


def findings(version: KindVersion, fields: Mapping[str, Any]) -> list[Finding]:
    """The checks that do not hold for what is stated; one of a field left out does not hold."""
    return [
        Finding(check.id, check.text, check.level == "block")
        for check in version.checks
        if not _holds(version.field_by_name[check.field], check, fields.get(check.field))
    ]


def _holds(field: CaseField, check: Check, value: Any) -> bool:
    if value is None:
        return False
    read = Money.yuan if field.type is FieldType.MONEY else _as_it_is
    if check.at_least is not None:
        return bool(read(value) >= read(check.at_least))
    if check.at_most is not None:
        return bool(read(value) <= read(check.at_most))
    wanted = [check.equals] if check.one_of is None else check.one_of
    return value in wanted


def _as_it_is(value: Any) -> Any:
    return value


def _read(field: CaseField, value: Any, *, today: date, calendar: WorkCalendar) -> Any:
    where = f"fields.{field.name}"
    match field.type, value:
        case FieldType.DATE, str():
            return _read_day(field, where, value, today=today, calendar=calendar)
        case FieldType.MONEY, str():
            return _read_money(where, value)
        case ((FieldType.PATENT | FieldType.USCC), str()):
            return _read_identifier(field, where, value, today=today)
        case FieldType.TEXT, str():
            value = value.strip()
    if not _is_one(field, value):
        raise FieldRefused(where, _wanted(field))
    return value


def _is_one(field: CaseField, value: Any) -> bool:
    """Whether ``value`` is one of the field's, of the types that are kept as they are stated."""
    match field.type, value:
        case FieldType.BOOLEAN, bool():
            return True
        case FieldType.COUNT, int():
            most = field.at_most
            return not isinstance(value, bool) and value >= 0 and (most is None or value <= most)
        case FieldType.CHOICE, str():
            return value in field.choices
        case FieldType.TEXT, str():
            return 0 < len(value) <= (field.at_most or TEXT_MAX)
        case FieldType.RIGHT, str():
            return _UUID.fullmatch(value) is not None
    return False


def _read_identifier(field: CaseField, where: str, value: str, *, today: date) -> str:
    answer = identify(_IDENTIFIERS[field.type], value, today=today)
    if answer.normalised is None:
        raise FieldRefused(where, answer.reason or _wanted(field))
    return str(answer.facts.get("application_number", answer.normalised))


def _read_day(
    field: CaseField, where: str, value: str, *, today: date, calendar: WorkCalendar
) -> str:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise FieldRefused(where, _wanted(field)) from None
    if field.not_ahead and day > today:
        raise FieldRefused(where, say("lies in the future"))
    if field.ahead_working_days is not None:
        first = add_working_days(calendar, today, field.ahead_working_days)
        if day < first:
            raise FieldRefused(where, say("must be {day} or later", day=first))
    return day.isoformat()


def _read_money(where: str, value: str) -> str:
    try:
        amount = Money.yuan(value)
    except (ValueError, ArithmeticError):
        amount = None
    if amount is None or amount < ZERO:
        raise FieldRefused(where, say("must be a decimal string of yuan, not negative"))
    return str(amount)


def _wanted(field: CaseField) -> Text:
    match field.type:
        case FieldType.CHOICE:
            return say("must be one of: {words}", words=", ".join(field.choices))
        case FieldType.DATE:
            return say('must be an ISO date, such as "2025-01-15"')
        case FieldType.COUNT:
            return say("must be a whole number, not negative")
        case FieldType.BOOLEAN:
            return say("must be one of: {words}", words="true, false")
        case FieldType.RIGHT:
            return say("is no right of yours")
        case _:
            return say("must be text of at most {most} characters", most=field.at_most or TEXT_MAX)
