"""Stateless sums that anyone may try: the same pure functions that the product itself uses."""

from fastapi import APIRouter

from app.routers.calculators import identifiers, lending

router = APIRouter()
for part in (lending, identifiers):
    router.include_router(part.router)
