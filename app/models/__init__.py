"""Every table of the platform. Importing this package registers them all."""

from app.models import (
    accounts,
    deals,
    documents,
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
    "deals",
    "documents",
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
