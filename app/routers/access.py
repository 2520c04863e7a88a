"""Who may call an endpoint: said on the endpoint, enforced here, shown in the documentation.

Every endpoint carries exactly one of these marks; a test walks all routes and fails for one that
carries none:

    public()                 anyone, signed in or not
    signed_in()              any user or API client of any organisation
    may(Kind.BANK, …)        organisations of these kinds; further conditions by keyword
"""

from dataclasses import dataclass
from typing import Any

from fastapi import Depends
from fastapi.dependencies.models import Dependant

from app.core.messages import say
from app.lifecycle.parties import LENDERS, OrganisationKind
from app.routers.deps import CurrentActor
from app.services.actor import Actor, ScopeMissing


@dataclass(frozen=True)
class Public:
    """Open to all."""

    async def __call__(self) -> None:  # a plain function would cost a thread
        return None

    def __str__(self) -> str:
        return "anyone"


@dataclass(frozen=True)
class Access:
    """The kinds of organisation that may call, and what else they need."""

    kinds: frozenset[OrganisationKind]
    manager: bool = False
    verified: bool = True
    scope: str | None = None

    async def __call__(self, actor: CurrentActor) -> None:
        self.check(actor)

    def check(self, actor: Actor) -> None:
        """Raise a 403 unless ``actor`` meets the conditions. API clients also need the scope."""
        actor.must_be(*sorted(self.kinds), manager=self.manager, verified=self.verified)
        if actor.client_id is not None and (self.scope is None or self.scope not in actor.scopes):
            raise ScopeMissing(self.scope or say("(not open to API clients)"))

    def __str__(self) -> str:
        who = "any organisation" if self.kinds == EVERYONE else ", ".join(sorted(self.kinds))
        needs = ["managers only"] if self.manager else []
        needs += [f"API clients with scope `{self.scope}`"] if self.scope else ["no API clients"]
        return f"{who} ({'; '.join(needs)})"


EVERYONE = frozenset(OrganisationKind) - {OrganisationKind.SYSTEM}

OPEN = Public()


def public() -> Any:
    return Depends(OPEN)


def signed_in(*, manager: bool = False, scope: str | None = None) -> Any:
    return Depends(Access(EVERYONE, manager=manager, verified=False, scope=scope))


def may(
    *kinds: OrganisationKind, manager: bool = False, verified: bool = True, scope: str | None = None
) -> Any:
    return Depends(Access(frozenset(kinds), manager=manager, verified=verified, scope=scope))


def lenders(*, manager: bool = False, scope: str | None = None) -> Any:
    return may(*LENDERS, manager=manager, scope=scope)


def access_of(dependant: Dependant) -> list[Public | Access]:
    """The marks that an endpoint carries. The stricter ones of router and endpoint all apply."""
    own = [dependant.call] if isinstance(dependant.call, Public | Access) else []
    return own + [mark for inner in dependant.dependencies for mark in access_of(inner)]
