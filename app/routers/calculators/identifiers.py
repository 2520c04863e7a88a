"""Identifiers of rights and firms, and a firm's size."""

from typing import Annotated

from app.identifiers.enterprise_size import INDUSTRIES, STANDARD, classify
from app.identifiers.identifier import identify
from app.routers.calculators.sums import REFUSALS, TOO_MANY, example, sums_router
from app.schemas.calculators.identifiers import (
    EnterpriseSizeIn,
    EnterpriseSizeOut,
    IdentifierIn,
    IdentifierOut,
    IndustriesOut,
    IndustryOut,
)

IDENTIFIERS_VERSION = "identifiers-1"
IDENTIFIER_METHOD = "form and check digit, by the rules of each register"

router = sums_router()

_IDENTIFIER_EXAMPLE = {"kind": "patent", "value": "ZL 2021 1 0000001.6"}
_SIZE_EXAMPLE = {"industry": "工业", "employees": 300, "revenue": "20000000.00", "assets": None}


@router.post(
    "/identifier",
    summary="Check and normalise an identifier",
    response_model=IdentifierOut,
    responses=REFUSALS,
)
async def check_identifier(
    asked: Annotated[IdentifierIn, example("A patent number", _IDENTIFIER_EXAMPLE)],
) -> IdentifierOut:
    """Whether a number is well formed, its stored form and what it says.

    The year in a number is not the filing date. A wrong number is an answer, not an error.
    """
    found = identify(asked.kind, asked.value)
    return IdentifierOut(
        valid=found.valid,
        normalised=found.normalised,
        facts=found.facts,
        reason=found.reason,
        inputs=asked,
        method=IDENTIFIER_METHOD,
        version=IDENTIFIERS_VERSION,
    )


@router.post(
    "/enterprise-size",
    summary="Classify a firm by size",
    response_model=EnterpriseSizeOut,
    responses=REFUSALS,
)
async def enterprise_size(
    asked: Annotated[EnterpriseSizeIn, example("An industrial firm", _SIZE_EXAMPLE)],
) -> EnterpriseSizeOut:
    """Large, medium, small or micro by the official standard, and the rule that decided.

    A figure that the industry is sized by and that is missing is refused.
    """
    sized = classify(
        asked.industry, employees=asked.employees, revenue=asked.revenue, assets=asked.assets
    )
    return EnterpriseSizeOut(
        size=sized.size,
        rule=sized.rule,
        inputs=asked,
        method=STANDARD,
        version=IDENTIFIERS_VERSION,
    )


@router.get(
    "/enterprise-size/industries",
    summary="List the industries of the size standard",
    response_model=IndustriesOut,
    responses=TOO_MANY,
)
async def industries() -> IndustriesOut:
    """The sixteen industries with their codes, Chinese names and the figures that size them."""
    return IndustriesOut(
        industries=[IndustryOut.model_validate(industry) for industry in INDUSTRIES],
        inputs={},
        method=STANDARD,
        version=IDENTIFIERS_VERSION,
    )
