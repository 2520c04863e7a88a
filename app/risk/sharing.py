"""Who bears what of a lost principal, by a version of a scheme, with every step shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from app.core.errors import FieldRefused
from app.core.messages import Text, say
from app.core.money import ZERO, Money
from app.risk.scheme import WHOLE_PCT, Cap, FactValue, Scheme, SchemeVersion

# Raised by whoever changes how a loss is split, so that an answer names the rules that made it.
ENGINE_VERSION = "loss-sharing-1"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the working: a rule, what it says, and the amount before and after it."""

    rule: str
    text: Text
    before: Money
    after: Money


@dataclass(frozen=True, slots=True)
class Loss:
    """What was lost of one loan, and what the scheme asks to know of it.

    ``facts`` are complete, as ``read_facts`` makes them.
    """

    principal: Money
    loan_amount: Money
    ip_share_pct: Decimal
    facts: Mapping[str, FactValue]


@dataclass(frozen=True, slots=True)
class SharedLoss:
    """One amount per party of the scheme, in its order, that sum to the principal lost."""

    shares: Mapping[str, Money]
    trace: Sequence[Step]


def read_facts(version: SchemeVersion, given: Mapping[str, object]) -> dict[str, FactValue]:
    """The facts of ``version`` with defaults filled in; FieldRefused for one missing or strange."""
    known = {fact.name: fact for fact in version.facts}
    for name in given:
        if name not in known:
            raise FieldRefused(f"facts.{name}", say("is no fact of this scheme"))
    read: dict[str, FactValue] = {}
    for name, fact in known.items():
        value = given.get(name, fact.default)
        if value is None and name not in given:
            raise FieldRefused(f"facts.{name}", say("is missing: {meaning}", meaning=fact.text))
        if not fact.takes(value):
            choices = ", ".join(fact.choices) or "true, false"
            raise FieldRefused(f"facts.{name}", say("must be one of: {words}", words=choices))
        assert isinstance(value, bool | str)
        read[name] = value
    return read


def share_loss(scheme: Scheme, version: SchemeVersion, loss: Loss) -> SharedLoss:
    """Split ``loss`` by the scheme: the IP part by shares, then caps, the rest to the bank.

    At one size of the loan more loss never pays a party less, but for a fen of rounding.
    FieldRefused for a principal that is not positive or above the loan, and for a strange share.
    """
    _check(loss)
    tier = version.tier_of(loss.loan_amount)
    weights = [tier.shares[party.id] for party in scheme.parties]
    ip_part = loss.principal.times(Fraction(loss.ip_share_pct) / 100)
    trace = [
        Step(
            "scheme",
            say(
                "{scheme}, the rules from {valid_from}: {source}",
                scheme=scheme.text,
                valid_from=version.valid_from,
                source=version.source,
            ),
            loss.principal,
            loss.principal,
        ),
        Step(
            "ip-part",
            say("{pct} % of the security is intellectual property", pct=loss.ip_share_pct),
            loss.principal,
            ip_part,
        ),
    ]
    shares: dict[str, Money] = {}
    for party, part in zip(scheme.parties, ip_part.split(weights), strict=True):
        shares[party.id] = part
        share = tier.shares[party.id]
        text = (
            say("{party}: {pct} % of the IP part", party=party.text, pct=share)
            if tier.up_to is None
            else say(
                "{party}: {pct} % of the IP part, for loans up to {up_to}",
                party=party.text,
                pct=share,
                up_to=tier.up_to,
            )
        )
        trace.append(Step(f"share-{party.id}", text, ip_part, part))
    # Before any rounding, so that a cut does not follow the fen of the split above.
    exact = {party: ip_part.fen * Fraction(tier.shares[party]) / 100 for party in shares}
    for cap in caps_in_force(version, loss.facts):
        trace.append(_cut(cap, shares, exact))
    bank = scheme.bank
    before = shares[bank]
    shares[bank] += loss.principal - Money.sum(list(shares.values()))
    trace.append(
        Step(
            "bank-rest",
            say("the bank bears what is left and what is not intellectual property"),
            before,
            shares[bank],
        )
    )
    return SharedLoss(shares, trace)


def share_of_claim(
    scheme: Scheme, version: SchemeVersion, loss: Loss, *, borne: Mapping[str, Money]
) -> dict[str, Money]:
    """What each party bears of one more claim on a loan, of which ``borne`` was borne before.

    ``loss.principal`` is the whole loss, this claim included. The parties' totals are those of one
    claim for all of it, within a fen; nobody gets back, and no cap is used twice.
    """
    target = share_loss(scheme, version, loss).shares
    due = {party: part - borne.get(party, ZERO) for party, part in target.items()}
    over = {party for party, part in due.items() if part < ZERO}
    excess = -Money.sum([due[party] for party in over])
    for party in over:
        due[party] = ZERO
    for party in _who_gives(scheme, version, loss.facts, over):
        given = min(excess, due[party])
        due[party] -= given
        excess -= given
    if excess:
        raise FieldRefused("principal", say("is less than what was borne before"))
    return due


def _check(loss: Loss) -> None:
    if loss.principal <= ZERO:
        raise FieldRefused("principal", say("must be more than nothing"))
    if loss.principal > loss.loan_amount:
        raise FieldRefused(
            "principal",
            say("is more than the loan, {loan_amount}", loan_amount=loss.loan_amount),
        )
    if not 0 <= loss.ip_share_pct <= WHOLE_PCT:
        raise FieldRefused("ip_share_pct", say("must be from 0 to 100"))


def caps_in_force(version: SchemeVersion, facts: Mapping[str, FactValue]) -> list[Cap]:
    """The caps whose condition these facts meet, in their order."""
    return [cap for cap in version.caps if all(facts[name] == v for name, v in cap.when.items())]


def _cut(cap: Cap, shares: dict[str, Money], exact: dict[str, Fraction]) -> Step:
    """Cut the cap's parties to it in place, pro rata by what the steps before gave them."""
    parties = [party for party in shares if party in cap.parties]
    before = Money.sum([shares[party] for party in parties])
    if before > cap.amount:
        entitled = sum((exact[party] for party in parties), Fraction(0))
        weights = [exact[party] for party in parties]
        for party, part in zip(parties, _split(cap.amount, weights), strict=True):
            shares[party] = part
            exact[party] *= min(Fraction(1), cap.amount.fen / entitled)
    return Step(cap.id, cap.text, before, min(before, cap.amount))


def _split(amount: Money, weights: Sequence[Fraction]) -> list[Money]:
    """``Money.split`` for weights of any denominator."""
    scale = 1
    for weight in weights:
        scale *= weight.denominator
    return amount.split([int(weight * scale) for weight in weights])


def _who_gives(
    scheme: Scheme,
    version: SchemeVersion,
    facts: Mapping[str, FactValue],
    over: Iterable[str],
) -> list[str]:
    """Who bears less so that the parts still sum: sharers of a cap first, then the bank."""
    over = set(over)
    under_one_cap = {
        party
        for cap in caps_in_force(version, facts)
        if over & set(cap.parties)
        for party in cap.parties
    }
    parties = [party.id for party in reversed(scheme.parties)]
    return sorted(parties, key=lambda id_: (id_ not in under_one_cap, id_ != scheme.bank))
