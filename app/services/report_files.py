"""Pages to read and to keep: HTML that needs nothing else, and PDF/A-2b with its fonts inside."""

import asyncio
import base64
import hashlib
import json
import struct
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import typst
from markupsafe import Markup

from app.valuation.report.model import Report, plainly

TEMPLATES = Path(__file__).parents[1] / "templates"
FONTS = Path(__file__).parents[1] / "static" / "vendor" / "@expo-google-fonts" / "noto-sans-sc"
REGULAR = FONTS / "NotoSansSC_400Regular.ttf"
TEMPLATE = TEMPLATES / "valuation_report.typ"
BLANK = TEMPLATES / "blank.typ"
PDF = "application/pdf"
PDF_STANDARD = "a-2b"
AGES = 11
"""typst forgets what the last ten documents did not use: a report of 50 rights is 100 MB."""

_pages = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# One thread: the compiler is one, and waiting for it takes no thread from anything else.
_press = ThreadPoolExecutor(max_workers=1, thread_name_prefix="typst")


async def to_html(report: Report) -> bytes:
    return await asyncio.to_thread(_html, report)


async def to_pdf(report: Report) -> bytes:
    """The same bytes for the same report, whenever and wherever it is asked for."""
    return await typeset(TEMPLATE, plainly(report), on=report.on)


async def typeset(template: Path, content: Any, *, on: date) -> bytes:
    """``content`` as PDF/A by the template, which reads it as JSON; dated ``on``."""
    pdf: bytes = await asyncio.get_running_loop().run_in_executor(
        _press, _compile, template, content, on
    )
    _press.submit(_forget)
    return pdf


def _html(report: Report) -> bytes:
    page = _pages.get_template("valuation_report.html")
    style = _style()
    return page.render(report=plainly(report), style=Markup(style), policy=policy()).encode()


@cache
def _style() -> str:
    return (TEMPLATES / "valuation_report.css").read_text("utf-8")


@cache
def policy() -> str:
    """Content-Security-Policy of a page: its own style by its hash, and nothing else at all."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def compile_report(report: Report, **how: Any) -> Any:
    """What typst makes of the report; ``how`` may ask for another format than PDF/A."""
    return _compile(TEMPLATE, plainly(report), report.on, **how)


def _compile(template: Path, content: Any, on: date, **how: Any) -> Any:
    told = json.dumps(printable(content), ensure_ascii=False, sort_keys=True)
    made_at = datetime.combine(on, datetime.min.time(), UTC)
    asked = {"format": "pdf", "pdf_standards": [PDF_STANDARD]} | how
    return _compiler(template).compile(
        sys_inputs={"content": told}, timestamp=int(made_at.timestamp()), **asked
    )


def _forget() -> None:
    """Age what typst remembers, so that memory does not grow with the number of pages set."""
    for _ in range(AGES):
        _compiler(BLANK).compile()


@cache
def _compiler(template: Path) -> typst.Compiler:
    """Reads nothing outside the templates, no font of the machine, and nothing from the network."""
    return typst.Compiler(template, root=TEMPLATES, font_paths=[FONTS], ignore_system_fonts=True)


def printable(value: Any) -> Any:
    """``value`` with the code point in place of what the font lacks, which PDF/A would refuse."""
    match value:
        case str():
            known = _covered()
            return "".join(
                char if ord(char) in known or char == "\n" else _instead(char) for char in value
            )
        case dict():
            return {key: printable(item) for key, item in value.items()}
        case list():
            return [printable(item) for item in value]
        case _:
            return value


def _instead(char: str) -> str:
    return " " if char.isspace() else f"[U+{ord(char):04X}]"


@cache
def _covered() -> frozenset[int]:
    """The code points of the font, from its table ``cmap`` in the form that reaches them all."""
    data = REGULAR.read_bytes()
    (tables,) = struct.unpack_from(">H", data, 4)
    entries = (struct.unpack_from(">4sIII", data, 12 + 16 * number) for number in range(tables))
    start = next(offset for tag, _, offset, _ in entries if tag == b"cmap")
    (forms,) = struct.unpack_from(">H", data, start + 2)
    for number in range(forms):
        platform, encoding, offset = struct.unpack_from(">HHI", data, start + 4 + 8 * number)
        if (platform, encoding) == (3, 10):
            (groups,) = struct.unpack_from(">I", data, start + offset + 12)
            spans = struct.iter_unpack(
                ">III", data[start + offset + 16 : start + offset + 16 + 12 * groups]
            )
            return frozenset(code for first, last, _ in spans for code in range(first, last + 1))
    raise ValueError(f"{REGULAR.name} maps no code points beyond 65,535")
