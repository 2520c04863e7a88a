"""Stateless sums that anyone may try: the same pure functions that the product itself uses."""

from fastapi import APIRouter

from app.routers.calculators import (
    grant_award,
    identifiers,
    ip_value,
    lending,
    loss_sharing,
    option_value,
    patent_fees,
)

router = APIRouter()
for part in (
    lending,
    identifiers,
    loss_sharing,
    ip_value,
    option_value,
    patent_fees,
    grant_award,
):
    router.include_router(part.router)
