"""A cooperation agreement is proposed by one side, confirmed by the other, ended by either."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused, NotFound
from app.lifecycle.parties import OrganisationKind, OrganisationStatus
from app.models.organisations import Cooperation
from app.services import cooperations
from app.services.actor import Actor, KindRefused
from app.services.cooperations import CooperationEnded, CooperationExists, OwnProposal
from tests.make.parties import make_actor, make_organisation


@pytest.fixture
async def bank(session: AsyncSession) -> Actor:
    return await make_actor(session, await make_organisation(session, OrganisationKind.BANK))


@pytest.fixture
async def guarantor(session: AsyncSession) -> Actor:
    return await make_actor(session, await make_organisation(session, OrganisationKind.GUARANTOR))


async def propose(
    session: AsyncSession, actor: Actor, counterpart: Actor, now: datetime
) -> Cooperation:
    return await cooperations.propose(
        session,
        actor=actor,
        counterpart_id=counterpart.organisation_id,
        agreement_number="合作〔2026〕12号",
        signed_on=date(2026, 3, 1),
        now=now,
    )


class TestCooperation:
    @pytest.mark.parametrize("by_bank", [True, False])
    async def test_is_in_force_once_the_other_side_confirms(
        self, session: AsyncSession, bank: Actor, guarantor: Actor, now: datetime, by_bank: bool
    ) -> None:
        first, second = (bank, guarantor) if by_bank else (guarantor, bank)
        proposed = await propose(session, first, second, now)
        assert (proposed.bank_id, proposed.partner_id) == (
            bank.organisation_id,
            guarantor.organisation_id,
        )
        with pytest.raises(OwnProposal):
            await cooperations.confirm(session, actor=first, cooperation_id=proposed.id, now=now)

        for at in (now, now + timedelta(days=1)):  # the second time changes nothing
            confirmed = await cooperations.confirm(
                session, actor=second, cooperation_id=proposed.id, now=at
            )
            assert confirmed.confirmed_at == now

    async def test_is_one_per_pair_until_it_ends(
        self, session: AsyncSession, bank: Actor, guarantor: Actor, now: datetime
    ) -> None:
        first = await propose(session, bank, guarantor, now)
        with pytest.raises(CooperationExists):
            await propose(session, guarantor, bank, now)

        await cooperations.end(session, actor=guarantor, cooperation_id=first.id, now=now)
        second = await propose(session, guarantor, bank, now)

        assert first.ended_on == date(2026, 11, 23)
        for act in (cooperations.end, cooperations.confirm):
            with pytest.raises(CooperationEnded):
                await act(session, actor=guarantor, cooperation_id=first.id, now=now)
        listed = await cooperations.list_cooperations(session, actor=bank, limit=9)
        assert listed == [second, first]
        assert await cooperations.list_cooperations(
            session, actor=bank, limit=9, after=second.id
        ) == [first]

    async def test_binds_a_verified_bank_and_a_verified_partner(
        self, session: AsyncSession, bank: Actor, guarantor: Actor, now: datetime
    ) -> None:
        waiting = await make_actor(
            session,
            await make_organisation(
                session, OrganisationKind.INSURER, status=OrganisationStatus.PENDING
            ),
        )
        other_bank = await make_actor(
            session, await make_organisation(session, OrganisationKind.BANK)
        )
        insurer = await make_actor(
            session, await make_organisation(session, OrganisationKind.INSURER)
        )

        for actor, counterpart in (
            (bank, waiting),
            (bank, other_bank),
            (guarantor, insurer),
        ):
            with pytest.raises(FieldRefused, match="counterpart_id"):
                await propose(session, actor, counterpart, now)

    async def test_was_not_signed_tomorrow(
        self, session: AsyncSession, bank: Actor, guarantor: Actor, now: datetime
    ) -> None:
        with pytest.raises(FieldRefused, match="signed_on"):
            await cooperations.propose(
                session,
                actor=bank,
                counterpart_id=guarantor.organisation_id,
                agreement_number="1",
                signed_on=date(2026, 11, 24),
                now=now,
            )

    async def test_is_nobody_elses(
        self, session: AsyncSession, bank: Actor, guarantor: Actor, now: datetime
    ) -> None:
        proposed = await propose(session, bank, guarantor, now)
        insurer = await make_actor(
            session, await make_organisation(session, OrganisationKind.INSURER)
        )
        firm = await make_actor(
            session, await make_organisation(session, OrganisationKind.ENTERPRISE)
        )

        for cooperation_id in (proposed.id, new_id()):
            with pytest.raises(NotFound):
                await cooperations.confirm(
                    session, actor=insurer, cooperation_id=cooperation_id, now=now
                )
        with pytest.raises(KindRefused):
            await cooperations.list_cooperations(session, actor=firm, limit=9)

    async def test_is_seen_by_the_authority(
        self, session: AsyncSession, bank: Actor, guarantor: Actor, now: datetime
    ) -> None:
        office = await make_organisation(session, OrganisationKind.AUTHORITY)
        proposed = await propose(session, bank, guarantor, now)

        seen = await session.scalars(
            cooperations.visible_cooperations(await make_actor(session, office))
        )

        assert proposed in seen.all()


class TestListInstitutions:
    async def test_names_the_verified_lenders_only(self, session: AsyncSession) -> None:
        bank = await make_organisation(session, OrganisationKind.BANK)
        waiting = await make_organisation(
            session, OrganisationKind.BANK, status=OrganisationStatus.PENDING
        )
        firm = await make_organisation(session, OrganisationKind.ENTERPRISE)

        listed = await cooperations.list_institutions(session, limit=200)

        assert bank in listed
        assert waiting not in listed
        assert firm not in listed
        assert bank not in await cooperations.list_institutions(session, limit=200, after=bank.id)
