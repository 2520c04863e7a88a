"""Which quotes may be taken together."""

from decimal import Decimal
from typing import Any

import pytest

from app.core.db import new_id
from app.lifecycle.financing import QuoteKind
from app.models.financing import Quote
from app.services import packages
from app.services.packages import NotAdmissible, check_combination
from tests.make.market import (
    GUARANTEE,
    INSURANCE,
    LOAN,
)

BANK, GUARANTOR, INSURER, REQUEST = new_id(), new_id(), new_id(), new_id()
COOPERATIONS = {(BANK, GUARANTOR), (BANK, INSURER)}


def quote(base: dict[str, Any], **changes: Any) -> Quote:
    institution = {"loan": BANK, "guarantee": GUARANTOR, "insurance": INSURER}[base["kind"]]
    return Quote(
        id=new_id(),
        request_id=changes.pop("request_id", REQUEST),
        institution_id=institution,
        kind=QuoteKind(base["kind"]),
        terms=base | changes,
    )


def check(
    loan: Quote, guarantee: Quote | None = None, insurance: Quote | None = None, **changes: Any
) -> packages.Shares:
    cooperations = changes.get("cooperations", COOPERATIONS)
    return check_combination(loan, guarantee, insurance, cooperations=cooperations)


class TestCheckCombination:
    def test_shares_sum_to_the_whole(self) -> None:
        shares = check(quote(LOAN), quote(GUARANTEE, share_pct="70"), quote(INSURANCE))

        assert shares == packages.Shares(Decimal(70), Decimal(20), Decimal(10))

    def test_a_loan_alone_is_all_the_banks(self) -> None:
        assert check(quote(LOAN), cooperations=set()).retention_pct == 100

    @pytest.mark.parametrize(
        ("loan", "guarantee", "insurance", "reason"),
        [
            (LOAN | {"required_cover_pct": "80.01"}, GUARANTEE, None, "requires 80.01 % cover"),
            (LOAN, GUARANTEE | {"share_pct": "81"}, INSURANCE, "cover 101 %"),
            (LOAN | {"pledgee": "joint"}, None, INSURANCE, "no guarantor"),
            (LOAN | {"pledgee": "guarantor"}, None, None, "no guarantor"),
            (LOAN, None, INSURANCE | {"insured_sum": "999999.99"}, "insured sum 999999.99"),
        ],
    )
    def test_what_the_terms_forbid_is_said(
        self,
        loan: dict[str, Any],
        guarantee: dict[str, Any] | None,
        insurance: dict[str, Any] | None,
        reason: str,
    ) -> None:
        with pytest.raises(NotAdmissible, match=reason):
            check(
                quote(loan),
                None if guarantee is None else quote(guarantee),
                None if insurance is None else quote(insurance),
            )

    def test_cover_and_insured_sum_that_just_suffice_pass(self) -> None:
        shares = check(
            quote(LOAN, required_cover_pct="100", pledgee="guarantor"),
            quote(GUARANTEE),
            quote(INSURANCE, insured_sum="1000000.00"),
        )

        assert shares.retention_pct == 0

    def test_institutions_without_an_agreement_with_the_bank_are_refused(self) -> None:
        with pytest.raises(NotAdmissible, match="no recorded cooperation"):
            check(quote(LOAN), quote(GUARANTEE), cooperations={(BANK, INSURER)})
        with pytest.raises(NotAdmissible, match="no recorded cooperation"):
            check(quote(LOAN), None, quote(INSURANCE), cooperations={(INSURER, BANK)})

    def test_quotes_of_another_kind_or_request_are_refused(self) -> None:
        with pytest.raises(NotAdmissible, match="offers guarantee, not loan"):
            check(quote(GUARANTEE))
        with pytest.raises(NotAdmissible, match="another request"):
            check(quote(LOAN), quote(GUARANTEE, request_id=new_id()))
