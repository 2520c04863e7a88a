"""Stateless sums that anyone may try: the same pure functions that the product itself uses."""

from fastapi import APIRouter

from app.routers.calculators import identifiers, lending, loss_sharing

router = APIRouter()
for part in (lending, identifiers, loss_sharing):
    router.include_router(part.router)
