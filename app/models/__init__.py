"""Every table of the platform. Importing this package registers them all."""

from app.models import (
    accounts,
    alerts,
    deals,
    documents,
    exposures,
    financing,
    imports,
    ledger,
    loans,
    organisations,
    park_desk,
    portfolios,
    programme,
    records,
    rights,
    workdays,
)

__all__ = [
    "accounts",
    "alerts",
    "deals",
    "documents",
    "exposures",
    "financing",
    "imports",
    "ledger",
    "loans",
    "organisations",
    "park_desk",
    "portfolios",
    "programme",
    "records",
    "rights",
    "workdays",
]
