"""Appraisals and agreed values, kept beside the model's."""

from datetime import datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import new_id
from app.core.errors import FieldRefused, Forbidden, NotFound
from app.lifecycle.parties import OrganisationKind
from app.models.organisations import Organisation
from app.models.portfolios import Portfolio
from app.models.rights import Right
from app.schemas.portfolios import AgreedValueIn, AppraisalIn
from app.services import stated_values
from app.services.actor import Actor, bind
from app.services.stated_values import AlreadyAgreed
from tests.make.parties import make_actor, make_organisation
from tests.make.rights import make_document, make_portfolio, make_right


@pytest.fixture
async def firm(session: AsyncSession) -> Organisation:
    return await make_organisation(session, OrganisationKind.ENTERPRISE)


@pytest.fixture
async def actor(session: AsyncSession, firm: Organisation) -> Actor:
    actor = await make_actor(session, firm)
    await bind(session, actor)
    return actor


@pytest.fixture
async def right(session: AsyncSession, firm: Organisation) -> Right:
    return await make_right(session, firm)


@pytest.fixture
async def portfolio(session: AsyncSession, firm: Organisation, right: Right) -> Portfolio:
    return await make_portfolio(session, firm, right)


class TestStatedValues:
    async def test_an_appraisal_is_kept_as_what_it_is(
        self, session: AsyncSession, actor: Actor, portfolio: Portfolio, now: datetime
    ) -> None:
        report = await make_document(session, actor.organisation_id, kind="report")

        value = await stated_values.record_appraisal(
            session,
            actor=actor,
            portfolio_id=portfolio.id,
            stated=appraisal(document_id=report.id),
            now=now,
        )
        await session.flush()

        kept = await stated_values.list_stated_values(
            session, actor=actor, portfolio_id=portfolio.id
        )
        assert kept == [value]
        assert (value.kind, value.signers) == ("appraisal", ["张示例", "李示例"])

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"valued_on": "2027-01-01"}, "valued_on"),
            ({"expires_on": "2026-01-01"}, "expires_on"),
            ({}, "document_id"),
        ],
    )
    async def test_an_appraisal_that_cannot_be_is_refused(
        self,
        *,
        session: AsyncSession,
        actor: Actor,
        portfolio: Portfolio,
        now: datetime,
        changed: dict[str, str],
        field: str,
    ) -> None:
        with pytest.raises(FieldRefused) as refused:
            await stated_values.record_appraisal(
                session,
                actor=actor,
                portfolio_id=portfolio.id,
                stated=appraisal(document_id=new_id(), **changed),
                now=now,
            )

        assert refused.value.field == field

    async def test_a_proposed_value_is_agreed_when_the_other_side_confirms_once(
        self, session: AsyncSession, actor: Actor, portfolio: Portfolio, now: datetime
    ) -> None:
        bank = await make_actor(session, await make_organisation(session, OrganisationKind.BANK))
        proposed = await stated_values.propose_agreed_value(
            session,
            actor=actor,
            portfolio_id=portfolio.id,
            stated=AgreedValueIn(
                value="9000000.00", valued_on="2026-11-01", agreed_with=bank.organisation_id
            ),
            now=now,
        )
        await session.flush()
        await bind(session, bank)

        assert proposed.agreed_at is None
        assert await stated_values.list_proposals(session, actor=bank) == [proposed]
        confirmed = await stated_values.confirm_agreed_value(
            session, actor=bank, value_id=proposed.id, now=now
        )
        assert confirmed.agreed_at == now
        with pytest.raises(AlreadyAgreed):
            await stated_values.confirm_agreed_value(
                session, actor=bank, value_id=proposed.id, now=now
            )

    async def test_only_lenders_agree_on_values(
        self, session: AsyncSession, actor: Actor, portfolio: Portfolio, now: datetime
    ) -> None:
        with pytest.raises(FieldRefused, match="agreed_with: is no bank, insurer or guarantor"):
            await stated_values.propose_agreed_value(
                session,
                actor=actor,
                portfolio_id=portfolio.id,
                stated=AgreedValueIn(
                    value="1.00", valued_on="2026-11-01", agreed_with=actor.organisation_id
                ),
                now=now,
            )
        with pytest.raises(Forbidden):
            await stated_values.confirm_agreed_value(
                session, actor=actor, value_id=new_id(), now=now
            )

    async def test_a_value_proposed_to_another_is_not_there(
        self, session: AsyncSession, now: datetime
    ) -> None:
        bank = await make_actor(session, await make_organisation(session, OrganisationKind.BANK))

        with pytest.raises(NotFound):
            await stated_values.confirm_agreed_value(
                session, actor=bank, value_id=new_id(), now=now
            )


def appraisal(**fields: object) -> AppraisalIn:
    return AppraisalIn.model_validate(
        {
            "value": "12000000.00",
            "method": "收益法",
            "appraiser": "宁夏示例资产评估有限公司",
            "signers": ["张示例", "李示例"],
            "valued_on": "2026-09-30",
            "expires_on": "2027-09-29",
        }
        | fields
    )
