"""Wire shapes of the calculators of identifiers and of a firm's size."""

from typing import Annotated

from pydantic import Field

from app.core.money import Money
from app.identifiers.enterprise_size import EnterpriseSize
from app.identifiers.identifier import IdentifierKind
from app.schemas.base import Told
from app.schemas.fields import Answered, Asked, Whole


class IdentifierIn(Asked):
    kind: IdentifierKind
    value: Annotated[str, Field(max_length=200)]


class IdentifierOut(Answered):
    valid: bool
    normalised: str | None
    facts: dict[str, str | int | bool | list[int]]
    reason: Told | None
    inputs: IdentifierIn
    method: str
    version: str


class EnterpriseSizeIn(Asked):
    industry: Annotated[str, Field(min_length=1, max_length=40)]
    employees: Annotated[Whole, Field(ge=0, le=100_000_000)] | None = None
    revenue: Money | None = None
    assets: Money | None = None


class EnterpriseSizeOut(Answered):
    size: EnterpriseSize
    rule: Told
    inputs: EnterpriseSizeIn
    method: str
    version: str


class IndustryOut(Answered):
    code: str
    name_zh: str
    also: list[str]
    indicators: list[str]


class IndustriesOut(Answered):
    industries: list[IndustryOut]
    inputs: dict[str, str]
    method: str
    version: str
