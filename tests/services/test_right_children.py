"""Co-owners, licences, burdens and annual fees of a right."""

from datetime import datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldRefused
from app.identifiers.rights import RightKind
from app.lifecycle.parties import OrganisationKind
from app.models.organisations import Organisation
from app.models.rights import Right
from app.schemas.rights import CoOwnerIn, EncumbranceIn, LicenceIn
from app.services import rights
from app.services.actor import Actor, bind
from app.services.rights import NotAPatent
from tests.make.parties import make_actor, make_organisation, make_uscc
from tests.make.rights import make_document, make_right


@pytest.fixture
async def firm(session: AsyncSession) -> Organisation:
    return await make_organisation(session, OrganisationKind.ENTERPRISE)


@pytest.fixture
async def actor(session: AsyncSession, firm: Organisation) -> Actor:
    actor = await make_actor(session, firm)
    await bind(session, actor)
    return actor


class TestChildren:
    @pytest.fixture
    async def right(self, session: AsyncSession, firm: Organisation) -> Right:
        return await make_right(session, firm)

    async def test_a_co_owner_named_again_is_completed(
        self, session: AsyncSession, actor: Actor, right: Right, now: datetime
    ) -> None:
        uscc = make_uscc()
        consent = await make_document(session, actor.organisation_id)
        first = await rights.add_co_owner(
            session,
            actor=actor,
            right_id=right.id,
            stated=CoOwnerIn(name="某院", uscc=uscc.lower()),
            now=now,
        )

        again = await rights.add_co_owner(
            session,
            actor=actor,
            right_id=right.id,
            stated=CoOwnerIn(name="某院", consent_document_id=consent.id),
            now=now,
        )

        assert (again.id, again.uscc) == (first.id, uscc)
        assert again.consent_document_id == consent.id

    async def test_shares_come_to_the_whole_at_most(
        self, session: AsyncSession, actor: Actor, right: Right, now: datetime
    ) -> None:
        async def own(name: str, share: int) -> None:
            stated = CoOwnerIn.model_validate({"name": name, "share_pct": str(share)})
            await rights.add_co_owner(
                session, actor=actor, right_id=right.id, stated=stated, now=now
            )

        await own("某院", 60)
        await own("某校", 40)
        with pytest.raises(FieldRefused, match="share_pct"):
            await own("某所", 1)

    async def test_a_consent_must_be_the_firms_own_document(
        self, session: AsyncSession, actor: Actor, right: Right, now: datetime
    ) -> None:
        with pytest.raises(FieldRefused, match="consent_document_id: is no document of yours"):
            await rights.add_co_owner(
                session,
                actor=actor,
                right_id=right.id,
                stated=CoOwnerIn(name="某院", consent_document_id=right.id),
                now=now,
            )

    async def test_a_right_is_shown_with_all_that_hangs_on_it(
        self, session: AsyncSession, actor: Actor, right: Right, now: datetime
    ) -> None:
        await rights.add_co_owner(
            session, actor=actor, right_id=right.id, stated=CoOwnerIn(name="某院"), now=now
        )
        await rights.add_licence(
            session,
            actor=actor,
            right_id=right.id,
            stated=LicenceIn(licensee="某厂", exclusive=True, starts_on="2026-01-01"),
            now=now,
        )
        await rights.add_encumbrance(
            session,
            actor=actor,
            right_id=right.id,
            stated=EncumbranceIn(kind="pledge", holder="某行", starts_on="2026-01-01"),
            now=now,
        )
        await session.flush()

        shown = await rights.get_right(session, actor=actor, right_id=right.id)

        assert [owner.name for owner in shown.co_owners] == ["某院"]
        assert [licence.licensee for licence in shown.licences] == ["某厂"]
        assert [burden.holder for burden in shown.encumbrances] == ["某行"]
        assert shown.events == []

    async def test_a_licence_cannot_end_before_it_starts(
        self, session: AsyncSession, actor: Actor, right: Right, now: datetime
    ) -> None:
        licence = LicenceIn(
            licensee="某厂", exclusive=True, starts_on="2026-01-02", ends_on="2026-01-01"
        )

        with pytest.raises(FieldRefused, match="ends_on: is before starts_on"):
            await rights.add_licence(
                session, actor=actor, right_id=right.id, stated=licence, now=now
            )

    async def test_records_through_which_year_fees_are_paid(
        self, session: AsyncSession, actor: Actor, right: Right, now: datetime
    ) -> None:
        await rights.record_annuity(
            session, actor=actor, right_id=right.id, paid_through_year=7, now=now
        )

        assert right.annuity_paid_through_year == 7

    async def test_a_mark_has_no_annual_fees(
        self, session: AsyncSession, firm: Organisation, actor: Actor, now: datetime
    ) -> None:
        mark = await make_right(session, firm, RightKind.TRADEMARK)

        with pytest.raises(NotAPatent):
            await rights.record_annuity(
                session, actor=actor, right_id=mark.id, paid_through_year=7, now=now
            )
