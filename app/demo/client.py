"""A thin HTTP client of the service: signs in, sends keys, and turns refusals into exceptions."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

Json = dict[str, Any]

TEXT_SHOWN = 200  # characters of an answer that is none of ours


@dataclass(eq=False)
class Refused(Exception):
    """The service answered with a problem document."""

    method: str
    path: str
    status: int
    problem: Json

    def __str__(self) -> str:
        detail = self.problem.get("detail", self.problem)
        return f"{self.method} {self.path}: {self.status} {detail}"


class Party:
    """One signed-in person of one organisation."""

    def __init__(self, http: httpx.AsyncClient, name: str, days: int = 0) -> None:
        self._http, self.name, self._days = http, name, days

    def later(self, days: int) -> "Party":
        """The same person so many days later, for a service that takes a demo's word for it."""
        return Party(self._http, self.name, days)

    @classmethod
    async def sign_in(
        cls, http: httpx.AsyncClient, *, name: str, email: str, password: str
    ) -> "Party":
        """A party on a client of its own, so that cookies stay apart."""
        party = cls(http, name)
        await party.post("/v1/session/sign-in", {"email": email, "password": password})
        return party

    async def get(self, path: str, **query: Any) -> Any:
        wanted = {name: value for name, value in query.items() if value is not None}
        return self._read("GET", path, await self._http.get(path, params=wanted))

    async def post(self, path: str, body: Json | None = None, **query: Any) -> Any:
        reply = await self._http.post(path, json=body or {}, params=query, headers=self._headers())
        return self._read("POST", path, reply)

    async def upload(self, content: bytes, *, kind: str, file_name: str) -> Json:
        reply = await self._http.post(
            "/v1/documents",
            content=content,
            params={"kind": kind, "file_name": file_name},
            headers=self._headers(),
        )
        document: Json = self._read("POST", "/v1/documents", reply)
        return document

    @staticmethod
    def _read(method: str, path: str, reply: httpx.Response) -> Any:
        is_json = "json" in reply.headers.get("content-type", "")
        if reply.is_success and (is_json or not reply.content):
            return reply.json() if reply.content else None
        problem = reply.json() if is_json else {"detail": reply.text[:TEXT_SHOWN]}
        raise Refused(method, path, reply.status_code, problem)

    def _headers(self) -> dict[str, str]:
        headers = {"Idempotency-Key": str(uuid4())}
        return headers | ({"Zhirong-Demo-Days": str(self._days)} if self._days else {})
