"""What the shell asks of the database before it starts anything."""

import pytest

from app import shell
from app.core.db import connect
from app.lifecycle.parties import OrganisationKind
from app.services import organisations
from app.services.actor import SYSTEM, bind
from tests.make.accounts import chosen, make_form
from tests.make.parties import NOW


async def sign_up(url: str, email: str) -> bool:
    async with connect(url) as sessions, sessions.begin() as session:
        await bind(session, SYSTEM)
        made = await organisations.sign_up(
            session, form=make_form(email=email), password=await chosen(), now=NOW
        )
        assert made.kind is OrganisationKind.ENTERPRISE
        return made.demo


async def test_demo_accounts_are_not_served_to_the_public(fresh_database: str) -> None:
    """Their password is in the documentation."""
    assert not await sign_up(fresh_database, "zhang@firm.example")
    await shell.refuse_public_demo(fresh_database)

    assert await sign_up(fresh_database, "zhang@demo.zhirong.invalid")
    with pytest.raises(shell.DemoAccountsPublic):
        await shell.refuse_public_demo(fresh_database)
