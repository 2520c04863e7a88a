"""Live loans over HTTP: what each party may do, and how refusals look."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.lifecycle.deals import DealStatus, LoanStatus
from app.lifecycle.financing import RequestStatus
from app.models.financing import FinancingRequest
from app.routers import deps
from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.loans import Drawn, make_drawn

Clients = Callable[[Actor | None], ActorClient]


@pytest.fixture(autouse=True)
def june(app: FastAPI) -> None:
    """The due day of the first instalment."""
    app.dependency_overrides[deps.get_now] = lambda: datetime(2026, 6, 20, 2, tzinfo=UTC)


def receipt(amount: str, reference: str = "R-1") -> dict[str, str]:
    return {
        "reference": reference,
        "amount": amount,
        "received_on": "2026-06-20",
        "kind": "scheduled",
    }


class TestRepayments:
    async def test_a_bank_confirms_one_and_finds_it_by_its_reference(
        self, client_of: Clients, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)

        async with client_of(drawn.bank) as client:
            reply = await client.post(
                f"/v1/lender/loans/{drawn.loan.id}/repayments", json=receipt("15500.00")
            )
            found = await client.get("/v1/lender/repayments", params={"reference": "R-1"})
            none = await client.get("/v1/lender/repayments", params={"reference": "R-2"})

        assert reply.status_code == 201, reply.text
        assert reply.json()["interest"] == "15500.00"
        assert [row["id"] for row in found.json()["items"]] == [reply.json()["id"]]
        assert none.json() == {"items": [], "next": None}

    async def test_too_much_is_a_problem_that_names_what_is_due(
        self, client_of: Clients, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)

        async with client_of(drawn.bank) as client:
            reply = await client.post(
                f"/v1/lender/loans/{drawn.loan.id}/repayments", json=receipt("20000.00")
            )

        assert reply.status_code == 409
        assert reply.json()["type"] == "/problems/more-than-due"
        assert reply.json()["due"] == "15500.00"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("amount", "-1.00"),
            ("amount", 5),
            ("received_on", "20-06-2026"),
            ("choice", "keep_term"),
            ("kind", "gift"),
            ("reference", ""),
        ],
    )
    async def test_bad_input_names_the_field(
        self, client_of: Clients, session: AsyncSession, field: str, value: object
    ) -> None:
        drawn = await make_drawn(session)

        async with client_of(drawn.bank) as client:
            reply = await client.post(
                f"/v1/lender/loans/{drawn.loan.id}/repayments",
                json=receipt("15500.00") | {field: value},
            )

        assert reply.status_code == 422
        assert field in reply.text

    async def test_a_guarantor_cannot_confirm_one(
        self, client_of: Clients, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)

        async with client_of(drawn.guarantor) as client:
            reply = await client.post(
                f"/v1/lender/loans/{drawn.loan.id}/repayments", json=receipt("15500.00")
            )

        assert reply.status_code == 403

    async def test_paying_all_of_it_ends_the_loan(
        self, client_of: Clients, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)
        deal = drawn.deal

        async with client_of(drawn.bank) as client:
            reply = await client.post(
                f"/v1/lender/loans/{drawn.loan.id}/repayments",
                json=receipt("5015500.00") | {"kind": "prepayment", "choice": "keep_term"},
            )

        assert reply.status_code == 201, reply.text
        assert reply.json()["freed"] == "4000000.00"
        await session.refresh(deal)
        assert deal.status is DealStatus.REPAID

    async def test_a_reversal_brings_the_debt_back(
        self, client_of: Clients, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)

        async with client_of(drawn.bank) as client:
            made = await client.post(
                f"/v1/lender/loans/{drawn.loan.id}/repayments", json=receipt("15500.00")
            )
            reply = await client.post(
                f"/v1/lender/repayments/{made.json()['id']}/reversal", json={"reason": "误记"}
            )
            loan = await client.get(f"/v1/lender/loans/{drawn.loan.id}")

        assert reply.status_code == 201, reply.text
        assert reply.json()["reversal_reason"] == "误记"
        assert loan.json()["statement"]["due_amount"] == "15500.00"


class TestReading:
    async def test_the_firm_sees_schedule_due_and_payoff(
        self, client_of: Clients, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)
        loan_id = drawn.loan.id

        async with client_of(drawn.firm) as client:
            listed = await client.get("/v1/company/loans")
            reply = await client.get(f"/v1/company/loans/{loan_id}", params={"on": "2026-06-30"})
            repaid = await client.get(f"/v1/company/loans/{loan_id}/repayments")

        assert [row["id"] for row in listed.json()["items"]] == [str(loan_id)]
        body = reply.json()
        assert len(body["lines"]) == 12
        assert body["statement"] == {
            "on": "2026-06-30",
            # Ten days of penalty: 15,500 × 5.4 % × 10/360.
            "due": [{"number": 1, "penalty": "23.25", "interest": "15500.00", "principal": "0.00"}],
            "due_amount": "15523.25",
            "days_past_due": 10,
            "accrued_interest": "5000.00",
            "principal_not_due": "5000000.00",
            "payoff": "5020523.25",
        }
        assert repaid.json()["items"] == []

    async def test_the_past_is_closed(self, client_of: Clients, session: AsyncSession) -> None:
        drawn = await make_drawn(session)

        async with client_of(drawn.firm) as client:
            reply = await client.get(
                f"/v1/company/loans/{drawn.loan.id}", params={"on": "2026-05-19"}
            )

        assert reply.status_code == 422
        assert reply.json()["field"] == "on"

    async def test_lists_are_paged_and_found_by_reference(
        self, client_of: Clients, session: AsyncSession
    ) -> None:
        drawn = await make_drawn(session)
        own = str(drawn.loan.id)

        async with client_of(drawn.bank) as client:
            page = await client.get("/v1/lender/loans", params={"limit": 1})
            after = await client.get("/v1/lender/loans", params={"after": own, "limit": 1})
            found = await client.get("/v1/lender/loans", params={"reference": drawn.loan.reference})

        assert [row["id"] for row in page.json()["items"]] == [own]
        assert after.json() == {"items": [], "next": None}
        assert [row["id"] for row in found.json()["items"]] == [own]

    async def test_a_stranger_finds_nothing(
        self, client_of: Clients, session: AsyncSession
    ) -> None:
        drawn, other = await make_drawn(session), await make_drawn(session)

        async with client_of(other.firm) as client:
            reply = await client.get(f"/v1/company/loans/{drawn.loan.id}")

        assert reply.status_code == 404


class TestExtensions:
    async def test_asked_for_consented_to_and_in_force(
        self, app: FastAPI, client_of: Clients, session: AsyncSession
    ) -> None:
        app.dependency_overrides[deps.get_now] = lambda: datetime(2026, 6, 1, 2, tzinfo=UTC)
        drawn = await make_drawn(session)
        path = f"/loans/{drawn.loan.id}/extensions"
        registrations = [str(row.id) for row in drawn.registrations]

        async with client_of(drawn.firm) as client:
            asked = await client.post(
                f"/v1/company{path}", json={"extra_months": 6, "reason": "客户回款延期"}
            )
        assert asked.status_code == 201, asked.text
        extension = asked.json()["extension"]["id"]
        for actor in (drawn.guarantor, drawn.bank):
            async with client_of(actor) as client:
                decided = await client.post(
                    f"/v1/lender/extensions/{extension}/decision", json={"consents": True}
                )
        assert decided.json()["extension"]["status"] == "agreed"
        async with client_of(drawn.bank) as client:
            done = await client.post(
                f"/v1/lender/extensions/{extension}/effect",
                json={"registration_ids": registrations},
            )
            listed = await client.get(f"/v1/lender{path}")
        async with client_of(drawn.firm) as client:
            own = await client.get(f"/v1/company{path}")
            late = await client.post(
                f"/v1/company/extensions/{extension}/decision", json={"consents": False}
            )

        assert done.status_code == 200, done.text
        assert done.json()["extension"]["status"] == "effective"
        assert listed.json() == own.json()
        assert late.json()["type"] == "/problems/illegal-move"


class TestRelease:
    async def test_discharge_and_cancellation_close_deal_and_request(
        self, client_of: Clients, session: AsyncSession
    ) -> None:
        drawn = await make_repaid(session)

        async with client_of(drawn.bank) as client:
            discharged = await client.post(f"/v1/lender/deals/{drawn.deal.id}/discharge")
            for registration in drawn.registrations:
                reply = await client.post(
                    f"/v1/lender/registrations/{registration.id}/cancellation",
                    json={"cancelled_on": "2026-06-20"},
                )
                assert reply.status_code == 200, reply.text

        assert discharged.json()["awaiting"] == []
        assert {row["status"] for row in discharged.json()["registrations"]} == {"cancelling"}
        assert reply.json()["register"] == "trademarks"
        await session.refresh(drawn.deal)
        assert drawn.deal.status is DealStatus.CLOSED
        request = await session.get_one(FinancingRequest, drawn.deal.request_id)
        assert request.status is RequestStatus.CLOSED


async def make_repaid(session: AsyncSession) -> Drawn:
    drawn = await make_drawn(session, drawn_on=date(2026, 5, 20))
    drawn.loan.status = LoanStatus.REPAID
    drawn.deal.status = DealStatus.REPAID
    await session.flush()
    return drawn
