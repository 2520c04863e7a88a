"""What no type says of a scheme: that its parts agree with one another."""

import itertools
from collections.abc import Iterable, Sequence

from app.core.money import ZERO
from app.risk.scheme import (
    WHOLE_PCT,
    Cap,
    ClaimModel,
    Fact,
    FactType,
    RecoveryStep,
    Role,
    Scheme,
    SchemeVersion,
    Tier,
)


class BrokenScheme(ValueError):
    """What is wrong with a scheme, and under which of its keys."""

    def __init__(self, key: str, reason: str) -> None:
        self.key, self.reason = key, reason
        super().__init__(f"{key}: {reason}")


def check(scheme: Scheme) -> None:
    """BrokenScheme, naming the key, for the first contradiction inside ``scheme``."""
    parties = [party.id for party in scheme.parties]
    _once("parties", parties)
    roles = [party.role for party in scheme.parties]
    if roles.count(Role.BANK) != 1:
        raise BrokenScheme("parties", "exactly one party has the role bank")
    if scheme.model is ClaimModel.GUARANTOR and roles.count(Role.GUARANTOR) != 1:
        raise BrokenScheme("model", "the guarantor claims, and exactly one party must be it")
    _check_dates(scheme.versions)
    for i, version in enumerate(scheme.versions):
        _check_version(f"versions.{i}", version, parties, scheme.bank)


def _check_dates(versions: Sequence[SchemeVersion]) -> None:
    for i, version in enumerate(versions):
        if version.valid_to is not None and version.valid_to < version.valid_from:
            raise BrokenScheme(f"versions.{i}.valid_to", "is before valid_from")
    for i, (earlier, later) in enumerate(itertools.pairwise(versions), start=1):
        if later.valid_from <= earlier.valid_from:
            raise BrokenScheme(f"versions.{i}.valid_from", "versions stand oldest first")
        if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
            raise BrokenScheme(
                f"versions.{i}.valid_from", f"overlaps the version from {earlier.valid_from}"
            )


def _check_version(key: str, version: SchemeVersion, parties: Sequence[str], bank: str) -> None:
    for i, tier in enumerate(version.tiers):
        _check_shares(f"{key}.tiers.{i}.shares", tier, parties)
    _check_sizes(f"{key}.tiers", version.tiers)
    _once(f"{key}.facts", [fact.name for fact in version.facts])
    for i, fact in enumerate(version.facts):
        _check_fact(f"{key}.facts.{i}", fact)
    _check_caps(f"{key}.caps", version, parties, bank)
    _once(f"{key}.fuses", [fuse.id for fuse in version.fuses])
    for i, fuse in enumerate(version.fuses):
        if fuse.warn_pct is not None and fuse.warn_pct >= fuse.threshold_pct:
            raise BrokenScheme(f"{key}.fuses.{i}.warn_pct", "must be below threshold_pct")
    if sorted(version.recovery) != sorted(RecoveryStep):
        raise BrokenScheme(f"{key}.recovery", "names costs, borne and interest, each once")
    _once(f"{key}.claim.papers", [paper.id for paper in version.claim.papers])


def _check_shares(key: str, tier: Tier, parties: Sequence[str]) -> None:
    for party in tier.shares:
        _known(f"{key}.{party}", party, parties)
    missing = [party for party in parties if party not in tier.shares]
    if missing:
        raise BrokenScheme(key, f"says nothing of {', '.join(missing)}")
    total = sum(tier.shares.values())
    if total != WHOLE_PCT:
        raise BrokenScheme(key, f"shares sum to {total}, not 100")


def _check_sizes(key: str, tiers: Sequence[Tier]) -> None:
    highest = ZERO
    for i, tier in enumerate(tiers[:-1]):
        if tier.up_to is None:
            raise BrokenScheme(f"{key}.{i}.up_to", "only the last tier is for any size")
        if tier.up_to <= highest:
            raise BrokenScheme(f"{key}.{i}.up_to", "tiers must rise")
        highest = tier.up_to
    if tiers[-1].up_to is not None:
        raise BrokenScheme(f"{key}.{len(tiers) - 1}.up_to", "the last tier is for any size")


def _check_fact(key: str, fact: Fact) -> None:
    if fact.type is FactType.CHOICE:
        if not fact.choices:
            raise BrokenScheme(f"{key}.choices", "a choice needs some")
        _once(f"{key}.choices", fact.choices)
    elif fact.choices:
        raise BrokenScheme(f"{key}.choices", "only a choice has some")
    if fact.required == (fact.default is not None):
        raise BrokenScheme(f"{key}.default", "stands exactly where the fact may be left out")
    if fact.default is not None and not fact.takes(fact.default):
        raise BrokenScheme(f"{key}.default", f"{fact.name} cannot be {fact.default!r}")


def _check_caps(key: str, version: SchemeVersion, parties: Sequence[str], bank: str) -> None:
    _once(f"{key}.id", [cap.id for cap in version.caps])
    facts = {fact.name: fact for fact in version.facts}
    earlier: list[Cap] = []
    for i, cap in enumerate(version.caps):
        if cap.amount < ZERO:
            raise BrokenScheme(f"{key}.{i}.amount", "must not be negative")
        _once(f"{key}.{i}.parties", cap.parties)
        for party in cap.parties:
            _known(f"{key}.{i}.parties", party, parties)
        if bank in cap.parties:
            raise BrokenScheme(f"{key}.{i}.parties", "the bank takes what is left, uncapped")
        for name, value in cap.when.items():
            if name not in facts:
                raise BrokenScheme(f"{key}.{i}.when.{name}", "no such fact")
            if not facts[name].takes(value):
                raise BrokenScheme(f"{key}.{i}.when.{name}", f"the fact cannot be {value!r}")
        for other in earlier:
            _check_pair(f"{key}.{i}", other, cap)
        earlier.append(cap)


def _check_pair(key: str, earlier: Cap, cap: Cap) -> None:
    if cap.order == earlier.order:
        raise BrokenScheme(f"{key}.order", f"is the order of {earlier.id} too")
    if cap.order < earlier.order:
        raise BrokenScheme(f"{key}.order", "caps stand in their order")
    both = set(cap.parties) & set(earlier.parties)
    # Cut together with one that still grows, a party already cut would get less as more is lost.
    if both and not set(cap.parties) <= set(earlier.parties):
        raise BrokenScheme(
            f"{key}.parties",
            f"adds parties to some of {earlier.id}: more loss would pay them less",
        )


def _known(key: str, party: str, parties: Sequence[str]) -> None:
    if party not in parties:
        raise BrokenScheme(key, f"{party} is no party of the scheme")


def _once(key: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BrokenScheme(key, f"{name} stands twice")
        seen.add(name)
