"""HTTP entry point."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.core.db import connect
from app.core.settings import Settings
from app.routers import calculators, documentation, problems, public
from app.routers.limits import BodyLimit

TITLE = "知融 Zhirong"


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        assert settings.database_url is not None, "the entry sets it before it starts the service"
        async with connect(settings.database_url, pool_size=settings.pool_size) as sessions:
            app.state.sessions = sessions
            yield

    app = FastAPI(
        title=TITLE,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.add_middleware(BodyLimit, bytes_max=settings.max_body_bytes)
    problems.install(app)
    documentation.install(app)
    app.include_router(public.health)
    for router in (calculators.router, public.router):
        app.include_router(router, prefix="/v1")
    return app
