"""Windows, appointments and events over HTTP."""

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncSession

from app.services.actor import Actor
from tests.conftest import ActorClient
from tests.make.market import make_firm
from tests.make.services import make_two_people

OpenClient = Callable[[Actor | None], ActorClient]

HOURS = {
    "starts_at": "2026-12-01T09:00:00+08:00",
    "ends_at": "2026-12-01T10:00:00+08:00",
    "minutes": 30,
    "capacity": 1,
    "place": "政务大厅二楼",
}
EVENT = {
    "title": "知识产权政策宣讲会",
    "place": "银川市民大厅",
    "starts_at": "2026-12-10T14:30:00+08:00",
    "ends_at": "2026-12-10T17:00:00+08:00",
    "capacity": 120,
}


async def test_from_the_hours_to_the_attendance(
    session: AsyncSession, client_of: OpenClient
) -> None:
    firm = await make_firm(session)
    clerk, _ = await make_two_people(session)
    async with client_of(clerk) as client:
        opened = await client.post("/v1/windows/NINGXIA/openings", json=HOURS)
        unknown = await client.post("/v1/windows/NOWHERE/openings", json=HOURS)
        announced = await client.post("/v1/openings", json=EVENT)
    async with client_of(None) as client:
        windows = await client.get("/v1/public/windows")
        slots = await client.get("/v1/public/openings", params={"window": "NINGXIA", "limit": 1})
        rest = await client.get(
            "/v1/public/openings", params={"limit": 5, "after": slots.json()["next"]}
        )
    address = f"/v1/openings/{opened.json()[0]['id']}"
    async with client_of(firm) as client:
        booked = await client.post(f"{address}/bookings", json={"matter": "pledge-registration"})
        own = await client.get("/v1/bookings")
        hidden = await client.get(f"{address}/bookings")
        given_back = await client.post(f"/v1/bookings/{booked.json()['id']}/cancellation")
    async with client_of(clerk) as client:
        listed = await client.get(f"{address}/bookings")
        called_off = await client.post(f"/v1/openings/{announced.json()['id']}/cancellation")
        early = await client.post(f"{address}/attendance", json={"booking_ids": []})
        figures = await client.get("/v1/opening-figures", params={"until": "2026-12-31"})

    assert (opened.status_code, unknown.status_code, announced.status_code) == (201, 404, 201)
    cities = {window["city"] for window in windows.json()}
    assert cities == {"银川", "石嘴山", "吴忠", "固原", "中卫"}
    assert len(slots.json()["items"]) == 1
    assert [row["kind"] for row in rest.json()["items"]] == ["appointment", "event"]
    assert booked.status_code == 201
    assert len(own.json()["items"]) == 1
    assert hidden.status_code == 403
    assert given_back.json()["cancelled_at"] is not None
    assert [row["name"] for row in listed.json()] == ["示例enterprise"]
    assert called_off.json()["status"] == "cancelled"
    assert early.json()["type"].endswith("not-begun")
    assert figures.json()["rows"][0]["openings"] == 2
