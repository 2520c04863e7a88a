"""Which loan, guarantee and insurance go together, and which package costs the firm least."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from app.core.errors import FieldRefused
from app.lending.cost import (
    CostItem,
    CostSheet,
    CostWhen,
    PlannedLoan,
    all_in_cost,
    plan,
)
from app.lending.periods import MONTHS_PER_YEAR
from app.lending.subsidy import Subsidy
from app.lending.terms import ScheduleTerms

WHOLE_PCT = Decimal(100)


class FeeTiming(StrEnum):
    """When a guarantor or insurer is paid for the years it covers; a started year is whole."""

    UPFRONT = "upfront"  # all years at drawdown, on the amount covered then
    YEARLY_IN_ADVANCE = "yearly_in_advance"  # each year on what is still covered


@dataclass(frozen=True, slots=True)
class LoanOffer:
    """A bank's quote. ``required_cover_pct`` of the principal must be guaranteed or insured."""

    offer_id: str
    institution: str
    terms: ScheduleTerms
    required_cover_pct: Decimal = Decimal(0)
    fees: tuple[CostItem, ...] = ()


@dataclass(frozen=True, slots=True)
class CoverOffer:
    """A guarantor's or insurer's quote: a share of the whole loan's principal, for a yearly fee.

    ``fee_pct`` is per cent a year of the amount covered (principal × ``share_pct``).
    """

    offer_id: str
    institution: str
    share_pct: Decimal
    fee_pct: Decimal
    fee_timing: FeeTiming = FeeTiming.YEARLY_IN_ADVANCE
    fees: tuple[CostItem, ...] = ()


class GuaranteeOffer(CoverOffer):
    """A quote of a guarantor (担保)."""

    __slots__ = ()


class InsuranceOffer(CoverOffer):
    """A quote of an insurer (保证保险)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Package:
    """One admissible combination with its cost sheet. The three shares sum to 100 %."""

    loan: LoanOffer
    guarantee: GuaranteeOffer | None
    insurance: InsuranceOffer | None
    guarantee_share_pct: Decimal
    insurance_share_pct: Decimal
    bank_share_pct: Decimal
    cost: CostSheet

    @property
    def offer_ids(self) -> tuple[str, str, str]:
        """Loan, guarantee, insurance; empty where there is none. Unique within one ranking."""
        return _ids(self.loan, self.guarantee, self.insurance)


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A combination that was left out because no rate can be stated for it, and why."""

    offer_ids: tuple[str, str, str]
    reason: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """Packages, cheapest first, and what could not be priced."""

    packages: tuple[Package, ...]
    unpriced: tuple[Unpriced, ...]


def rank_packages(
    loans: Sequence[LoanOffer],
    *,
    guarantees: Sequence[GuaranteeOffer],
    insurances: Sequence[InsuranceOffer],
    cooperating: Set[tuple[str, str]],
    subsidies: Sequence[Subsidy] = (),
) -> Ranking:
    """Every admissible package, by annual cost before subsidies, then total cost, then ids.

    Admissible: one loan with at most one guarantee and one insurance, together covering at least
    what the loan requires and at most the whole, each covering institution in a recorded
    cooperation with the bank. ``cooperating`` holds pairs of institutions in either order.
    """
    packages, unpriced = [], []
    for offer in loans:
        try:
            planned = plan(offer.terms)
        except FieldRefused as refused:
            unpriced.append(Unpriced(_ids(offer, None, None), refused.reason))
            continue
        for guarantee, insurance in _covers(offer, guarantees, insurances, cooperating):
            try:
                packages.append(_package(offer, planned, guarantee, insurance, subsidies))
            except FieldRefused as refused:
                unpriced.append(Unpriced(_ids(offer, guarantee, insurance), refused.reason))
    packages.sort(
        key=lambda package: (
            package.cost.before_subsidies_pct,
            package.cost.total_cost,
            package.offer_ids,
        )
    )
    return Ranking(tuple(packages), tuple(unpriced))


def _covers(
    loan: LoanOffer,
    guarantees: Sequence[GuaranteeOffer],
    insurances: Sequence[InsuranceOffer],
    cooperating: Set[tuple[str, str]],
) -> Iterator[tuple[GuaranteeOffer | None, InsuranceOffer | None]]:
    def with_bank(cover: CoverOffer) -> bool:
        bank, other = loan.institution, cover.institution
        return (bank, other) in cooperating or (other, bank) in cooperating

    for guarantee in (None, *filter(with_bank, guarantees)):
        for insurance in (None, *filter(with_bank, insurances)):
            covered = _share(guarantee) + _share(insurance)
            if loan.required_cover_pct <= covered <= WHOLE_PCT:
                yield guarantee, insurance


def _package(
    loan: LoanOffer,
    planned: PlannedLoan,
    guarantee: GuaranteeOffer | None,
    insurance: InsuranceOffer | None,
    subsidies: Sequence[Subsidy],
) -> Package:
    costs = list(loan.fees)
    if guarantee is not None:
        costs += [_cover_fee("guarantee fee", guarantee, planned), *guarantee.fees]
    if insurance is not None:
        costs += [_cover_fee("premium", insurance, planned), *insurance.fees]
    return Package(
        loan=loan,
        guarantee=guarantee,
        insurance=insurance,
        guarantee_share_pct=_share(guarantee),
        insurance_share_pct=_share(insurance),
        bank_share_pct=WHOLE_PCT - _share(guarantee) - _share(insurance),
        cost=all_in_cost(planned, costs=costs, subsidies=subsidies),
    )


def _cover_fee(name: str, cover: CoverOffer, planned: PlannedLoan) -> CostItem:
    pct = cover.fee_pct * cover.share_pct / WHOLE_PCT
    match cover.fee_timing:
        case FeeTiming.UPFRONT:
            years = -(-planned.terms.term_months // MONTHS_PER_YEAR)
            return CostItem(name, CostWhen.UPFRONT, pct_of_principal=pct * years)
        case FeeTiming.YEARLY_IN_ADVANCE:
            return CostItem(name, CostWhen.YEARLY_IN_ADVANCE, pct_of_outstanding=pct)


def _share(cover: CoverOffer | None) -> Decimal:
    return Decimal(0) if cover is None else cover.share_pct


def _ids(
    loan: LoanOffer, guarantee: CoverOffer | None, insurance: CoverOffer | None
) -> tuple[str, str, str]:
    return (
        loan.offer_id,
        "" if guarantee is None else guarantee.offer_id,
        "" if insurance is None else insurance.offer_id,
    )
