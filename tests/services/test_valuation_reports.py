"""Reports of stored runs: who gets one, both sides of a challenge, and the files they become."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Sessions
from app.core.errors import NotFound
from app.lending.annuity_fees import AnnuityStatus
from app.lifecycle.valuations import RunKind
from app.reference import files
from app.schemas.portfolios import RightInputs
from app.services import report_files, valuation_records, valuation_reports, valuation_runs
from app.services.actor import SYSTEM, bind
from app.services.valuation_reports import NotWorkedOut
from app.valuation.report import words
from app.valuation.report.model import Report, plainly
from tests.make.deals import accept
from tests.make.market import make_firm
from tests.make.parties import NOW
from tests.make.valued import Backed, make_backed

# Markup of either renderer, and characters that the font lacks.
HOSTILE = (
    '</title><script>alert(1)</script> #import "@preview/x:1.0.0": * $x$ \\u{7} [*b*] 𠮷 😀 &amp;'
)


@pytest.fixture
async def backed(session: AsyncSession, sessions: Sessions) -> Backed:
    """A portfolio whose run has been worked out."""
    backed = await make_backed(session)
    await valuation_runs.compute(sessions, run_id=backed.run.id, now=NOW)
    await bind(session, SYSTEM)
    return backed


async def report_of(session: AsyncSession, backed: Backed) -> Report:
    await bind(session, backed.table.firm)
    return await valuation_reports.gather(session, actor=backed.table.firm, run_id=backed.run.id)


class Page(HTMLParser):
    """What a browser would see of a page: its elements, attributes and text."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


class TestWhoGetsOne:
    async def test_whoever_may_read_the_run(self, session: AsyncSession, backed: Backed) -> None:
        await accept(session, backed.table)
        for actor in (backed.table.firm, backed.table.bank):
            await bind(session, actor)
            report = await valuation_reports.gather(session, actor=actor, run_id=backed.run.id)
            assert report.run_id == str(backed.run.id)
            assert report.subject

    async def test_nobody_else(self, session: AsyncSession, backed: Backed) -> None:
        other = await make_firm(session)
        await bind(session, other)
        with pytest.raises(NotFound):
            await valuation_reports.gather(session, actor=other, run_id=backed.run.id)

    async def test_not_before_it_is_worked_out(self, session: AsyncSession) -> None:
        backed = await make_backed(session)
        with pytest.raises(NotWorkedOut):
            await report_of(session, backed)


class TestChallenges:
    async def test_both_sides_stand_in_either_report(
        self, session: AsyncSession, sessions: Sessions, backed: Backed
    ) -> None:
        await accept(session, backed.table)
        bank = backed.table.bank
        await bind(session, bank)
        other = await valuation_runs.challenge(
            session,
            actor=bank,
            run_id=backed.run.id,
            reason="销售额偏高",
            rights=[RightInputs.model_validate({"right_id": backed.right.id, "kloc": "5"})],
            now=NOW,
        )
        waiting = plainly(await report_of(session, backed))
        await valuation_runs.compute(sessions, run_id=other.id, now=NOW)
        first = str(plainly(await report_of(session, backed)))
        await bind(session, bank)
        turned = plainly(await valuation_reports.gather(session, actor=bank, run_id=other.id))

        assert "尚未算出" in str(waiting)
        assert {"销售额偏高", str(other.id)} <= set(re.findall(r"[\w-]+", first))
        assert "challenges" in {one["key"] for one in waiting["sections"]}
        assert "challenged" in {one["key"] for one in turned["sections"]}
        assert str(backed.run.id) in str(turned)


class TestHtml:
    async def test_has_every_section_and_loads_nothing(
        self, session: AsyncSession, backed: Backed
    ) -> None:
        report = await report_of(session, backed)
        html = await report_files.to_html(report)
        page = Page(html)

        for section in plainly(report)["sections"]:
            assert ("id", section["key"]) in page.attributes
            assert section["title"]["zh"] in page.words
        links = [value for name, value in page.attributes if name in {"href", "src", "xlink:href"}]
        assert all(link.startswith("#") for link in links)
        assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
        assert not re.search(rb"url\(|@import|https?://(?!www\.w3\.org/2000/svg\")", html)
        assert page.tags.count("svg") == 3
        assert not [name for name, _ in page.attributes if name == "style" or name[:2] == "on"]

    async def test_a_hostile_name_is_text(self, session: AsyncSession, backed: Backed) -> None:
        html = await report_files.to_html(
            replace(await report_of(session, backed), subject=HOSTILE)
        )
        page = Page(html)

        assert "script" not in page.tags
        assert HOSTILE in page.words

    async def test_is_the_same_whenever_it_is_asked_for(
        self, session: AsyncSession, backed: Backed
    ) -> None:
        report = await report_of(session, backed)

        assert await report_files.to_html(report) == await report_files.to_html(report)


class TestPdf:
    async def test_is_an_archive_file_with_its_fonts_inside(
        self, session: AsyncSession, backed: Backed
    ) -> None:
        pdf = await report_files.to_pdf(await report_of(session, backed))

        assert pdf.startswith(b"%PDF-1.7")
        assert pdf.rstrip().endswith(b"%%EOF")
        assert b"<pdfaid:part>2</pdfaid:part>" in pdf
        assert b"<pdfaid:conformance>B</pdfaid:conformance>" in pdf
        assert b"NotoSansSC" in pdf
        assert len(re.findall(rb"/FontFile[23]?\b", pdf)) >= 2
        assert not re.search(rb"/(JavaScript|Launch|URI|EmbeddedFile)\b", pdf)

    async def test_is_the_same_bytes_for_the_same_run(
        self, session: AsyncSession, backed: Backed
    ) -> None:
        first = await report_files.to_pdf(await report_of(session, backed))
        report_files._compiler.cache_clear()  # as in another process
        second = await report_files.to_pdf(await report_of(session, backed))

        assert first == second

    async def test_a_hostile_name_is_text(self, session: AsyncSession, backed: Backed) -> None:
        report = replace(await report_of(session, backed), subject=HOSTILE)
        pdf = await report_files.to_pdf(report)

        assert pdf.startswith(b"%PDF")
        printed = report_files.printable(HOSTILE)
        assert printed == HOSTILE.replace("𠮷", "[U+20BB7]").replace("😀", "[U+1F600]")
        assert report_files.printable("a\tb\x0bc\u200bd\ne") == "a b c[U+200B]d\ne"

    def test_the_templates_import_nothing(self) -> None:
        source = "".join(file.read_text("utf-8") for file in report_files.TEMPLATES.glob("*.typ"))

        assert not re.search(r"@preview|#?import\b|#?include\b|\bread\(|https?:", source)


class TestWords:
    """What only the tables above the pure package can say is complete."""

    def test_every_code_that_a_record_can_hold_has_a_word(self) -> None:
        effects = {
            effect
            for by_code in files.in_force("event_effects", on=NOW.date()).body.values()
            for effect in by_code.values()
        }
        rules = {*valuation_records.RULES, *valuation_records.NAMED}

        assert set(valuation_records.STATED) <= words.INPUTS.keys()
        assert rules <= words.RULES.keys()
        assert effects - {"none"} <= words.EFFECTS.keys()
        assert {status.value for status in AnnuityStatus} == words.ANNUITY.keys()
        assert {kind.value for kind in RunKind} == words.RUN_KINDS.keys()
