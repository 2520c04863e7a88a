"""HTTP entry point."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.core import logs
from app.core.db import connect
from app.core.settings import Settings
from app.core.stopping import on_stop
from app.grants.measure_files import DIRECTORY, MEASURES, read_measures
from app.integrations.store import open_store
from app.routers import (
    appraisals,
    appraiser,
    authority,
    authority_appraisers,
    authority_desk,
    authority_figures,
    calculators,
    cases,
    claims,
    cooperations,
    cover_signals,
    documentation,
    documents,
    fund_figures,
    funds,
    grading,
    grant_awards,
    grant_desk,
    grant_programmes,
    grant_reviews,
    grants,
    lost_loans,
    market,
    oauth,
    openings,
    organisation,
    park,
    park_desk,
    park_figures,
    problems,
    programme_changes,
    public,
    public_grants,
    public_services,
    session,
    transfer_contracts,
    valuation_runs,
)
from app.routers.company import appraisals as company_appraisals
from app.routers.company import clocks as company_clocks
from app.routers.company import deals as company_deals
from app.routers.company import grading as company_grading
from app.routers.company import imports as company_imports
from app.routers.company import loans as company_loans
from app.routers.company import membership as company_membership
from app.routers.company import packages as company_packages
from app.routers.company import park_consent as company_park_consent
from app.routers.company import park_desk as company_park_desk
from app.routers.company import portfolios as company_portfolios
from app.routers.company import queue as company_queue
from app.routers.company import renewals as company_renewals
from app.routers.company import requests as company_requests
from app.routers.company import rights as company_rights
from app.routers.company import terms_designs as company_terms_designs
from app.routers.language import ReaderLanguage
from app.routers.lender import appraisals as lender_appraisals
from app.routers.lender import clocks as lender_clocks
from app.routers.lender import deals as lender_deals
from app.routers.lender import drawdowns as lender_drawdowns
from app.routers.lender import due_diligence as lender_due_diligence
from app.routers.lender import exposure as lender_exposure
from app.routers.lender import guarantor as lender_guarantor
from app.routers.lender import loans as lender_loans
from app.routers.lender import quotes as lender_quotes
from app.routers.lender import renewals as lender_renewals
from app.routers.lender import requests as lender_requests
from app.routers.lender import values as lender_values
from app.routers.limits import BodyLimit, PlainAddress, PrivateAnswers
from app.services.quota_feed import QuotaFeed

TITLE = "知融 Zhirong"


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()
    logs.configure()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        assert settings.database_url is not None, "the entry sets it before it starts the service"
        async with connect(settings.database_url, pool_size=settings.pool_size) as sessions:
            app.state.sessions = sessions
            app.state.store = open_store(settings.documents_url)
            with on_stop(app.state.quota_feed.end):
                yield

    app = FastAPI(
        title=TITLE,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    own = settings.measures_dir
    app.state.measures = MEASURES if own is None else read_measures(DIRECTORY, own)
    app.state.streams = 0
    app.state.quota_feed = QuotaFeed(
        lambda: app.state.sessions,
        url=settings.database_url,
        lifetime_s=settings.stream_seconds,
    )
    app.add_middleware(PlainAddress)
    app.add_middleware(BodyLimit, bytes_max=settings.max_body_bytes)
    app.add_middleware(ReaderLanguage)
    app.add_middleware(PrivateAnswers)
    problems.install(app)
    documentation.install(app)
    app.include_router(public.health)
    for router in (
        calculators.router,
        public.router,
        public_services.open_list,
        openings.listed,
        openings.router,
        cases.registers,
        cases.router,
        market.board,
        market.router,
        transfer_contracts.router,
        public_services.router,
        session.router,
        session.keyed,
        oauth.router,
        organisation.router,
        cooperations.router,
        park.router,
        park_desk.router,
        authority_desk.router,
        park_figures.router,
        authority.router,
        authority_figures.router,
        programme_changes.router,
        company_park_consent.router,
        lender_exposure.router,
        company_membership.router,
        company_loans.router,
        lender_loans.router,
        documents.router,
        company_rights.router,
        company_imports.router,
        company_portfolios.router,
        company_requests.router,
        company_packages.router,
        company_deals.router,
        company_queue.router,
        lender_deals.router,
        lender_drawdowns.router,
        lender_guarantor.router,
        lender_requests.router,
        lender_quotes.router,
        lender_values.router,
        company_renewals.router,
        company_clocks.router,
        company_terms_designs.router,
        company_park_desk.router,
        company_park_desk.events,
        lender_clocks.router,
        lender_renewals.router,
        funds.router,
        fund_figures.router,
        claims.router,
        lost_loans.router,
        valuation_runs.router,
        cover_signals.router,
        public_grants.router,
        grants.router,
        grant_programmes.router,
        grant_desk.router,
        grant_awards.router,
        grant_reviews.router,
        lender_due_diligence.router,
        appraisals.router,
        company_appraisals.router,
        lender_appraisals.router,
        appraiser.router,
        authority_appraisers.router,
        grading.router,
        company_grading.router,
    ):
        app.include_router(router, prefix="/v1")
    return app
