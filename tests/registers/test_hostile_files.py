"""Bombs and noise are refused with a reason, soon, and nothing else is ever raised."""

import json
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from app.registers.reading import read
from app.registers.records import Limits, ReadResult, RegisterFormat, UnreadableFile

FILES = Path(__file__).parent.parent / "data" / "registers"
SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))


def reason_against(data: bytes, *, filename: str = "upload", limits: Limits | None = None) -> str:
    with pytest.raises(UnreadableFile) as caught:
        read(data, filename=filename, limits=limits or Limits())
    return caught.value.reason


def zipped(members: dict[str, bytes]) -> bytes:
    stream = BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def workbook_with_sheet(content: bytes) -> bytes:
    source = BytesIO()
    Workbook().save(source)
    with ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return zipped(parts | {"xl/worksheets/sheet1.xml": content})


@pytest.mark.parametrize(
    "document",
    [
        f"<!DOCTYPE r [{LAUGHS}]><us-patent-grant>&l9;</us-patent-grant>",
        f'<!DOCTYPE r [<!ENTITY a "{"a" * 50_000}">]><TradeMark>{"&a;" * 5_000}</TradeMark>',
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><TradeMark>&x;</TradeMark>',
        '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1/x.dtd"> %p;]><TradeMark/>',
    ],
    ids=["billion laughs", "quadratic blowup", "external entity", "parameter entity"],
)
def test_entities_are_refused(document: str) -> None:
    assert "entities" in reason_against(document.encode())


def test_doctype_that_only_names_its_dtd_is_read() -> None:
    data = (FILES / "US08930553_grant_ST36.xml").read_bytes()

    assert b"<!DOCTYPE" in data
    assert len(read(data, filename="grant.xml").rows) == 1


@pytest.mark.parametrize(
    "data",
    [b"<TradeMark>" + b"<a>" * 100_000, b'{"trademarks":' + b"[" * 100_000],
    ids=["xml", "json"],
)
def test_endless_depth_is_refused(data: bytes) -> None:
    assert "deeper than 64" in reason_against(data)


def test_endless_breadth_is_refused() -> None:
    marks = b"<TradeMark>" + b"<a/>" * 2_000 + b"</TradeMark>"

    assert "more than 1000 elements" in reason_against(marks, limits=Limits(nodes=1_000))


def test_nan_is_refused() -> None:
    assert "NaN" in reason_against(b'{"trademarks": [{"markBasis": NaN}]}')


def test_dense_container_is_refused() -> None:
    bomb = zipped({"a.xml": b"\0" * 20_000_000})

    assert "more than 100 times" in reason_against(bomb)


def test_container_of_too_much_or_too_many_is_refused() -> None:
    large = zipped({"a.xml": b"<a/>" * 1_000})
    many = zipped({f"{n}.xml": b"<a/>" for n in range(300)})

    assert "unpacks" in reason_against(large, limits=Limits(zip_unpacked=1_000))
    assert "more than 200 files" in reason_against(many)


def test_paths_inside_a_container_are_never_used() -> None:
    claims = b"<ClaimsDocument><ApplicationNumber>13962724</ApplicationNumber></ClaimsDocument>"

    result = read(zipped({"../../etc/evil.xml": claims}), filename="st96.zip")

    assert result.rows[0].record.number == "13962724"


def test_bad_document_in_a_container_does_not_lose_the_good_one() -> None:
    claims = b"<ClaimsDocument><ApplicationNumber>13962724</ApplicationNumber></ClaimsDocument>"
    bomb = f"<!DOCTYPE r [{LAUGHS}]><ClaimsDocument>&l9;</ClaimsDocument>".encode()

    result = read(zipped({"a.xml": bomb, "b.xml": claims}), filename="st96.zip")

    assert [row.line for row in result.rows] == [2]
    assert [(r.line, r.field) for r in result.refusals] == [(1, "document")]


def test_sheet_that_claims_the_farthest_corner_is_bounded() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["专利号", "名称"])
    sheet.append(["ZL202110000001.6", "甲"])
    sheet.cell(1_048_576, 16_384, "x")
    stream = BytesIO()
    book.save(stream)

    result = read(stream.getvalue(), filename="corner.xlsx")

    assert [row.line for row in result.rows] == [2]


def test_row_of_endless_cells_is_refused_before_it_is_held() -> None:
    cells = b'<c r="A1"/>' * 60_000
    sheet = f"<worksheet {SHEET}><sheetData><row r='1'>".encode() + cells
    sheet += b"</row></sheetData></worksheet>"

    assert "rows holds more" in reason_against(
        workbook_with_sheet(sheet), limits=Limits(zip_ratio=100_000)
    )


def test_larger_than_the_limit_is_refused() -> None:
    assert "larger than 10 bytes" in reason_against(b"x" * 11, limits=Limits(bytes=10))


@pytest.mark.parametrize(
    ("data", "filename", "reason"),
    [
        (b"", "a.csv", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "a.xls", "old or protected Excel"),
        (b"%PDF-1.7", "a.pdf", "PDF"),
        (b"<html/>", "a.xml", "not read here"),
        (b"[1, 2]", "a.json", "not read here"),
        (b"interactions:\n- request:\n", "a.yaml", "recorded HTTP exchange"),
        (b"plain text", "a.xlsx", "not what its name says"),
        (b"PK\x03\x04broken", "a.xlsx", "broken ZIP"),
    ],
)
def test_what_no_reader_is_for_says_why(data: bytes, filename: str, reason: str) -> None:
    assert reason in reason_against(data, filename=filename)


def read_or_refuse(data: bytes, format: RegisterFormat | None) -> ReadResult | None:
    try:
        return read(data, filename="upload", format=format)
    except UnreadableFile:
        return None


STARTS = st.sampled_from(
    [b"", b"PK\x03\x04", b"<?xml version='1.0' encoding='", b"<TradeMark>", b"{", b"\xff\xfe<"]
)


@settings(max_examples=300)
@given(STARTS, st.binary(max_size=300), st.none() | st.sampled_from(RegisterFormat))
def test_arbitrary_bytes_raise_nothing_but_unreadable_file(
    start: bytes, rest: bytes, format: RegisterFormat | None
) -> None:
    read_or_refuse(start + rest, format)


REAL = sorted(path for path in FILES.iterdir() if path.stat().st_size < 90_000)


@settings(max_examples=200)
@given(st.sampled_from(REAL), st.data())
def test_damaged_real_files_raise_nothing_but_unreadable_file(
    path: Path, data: st.DataObject
) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    read_or_refuse(bytes(content), None)


JSON_KEYS = st.sampled_from(
    ["status", "applicants", "publications", "niceClasses", "ownerGroups", "name", "serialNumber"]
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(JSON_KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200)
@given(
    st.lists(st.dictionaries(JSON_KEYS, JSON_VALUES), max_size=3),
    st.sampled_from([RegisterFormat.TSDR, RegisterFormat.EUIPO_JSON]),
)
def test_json_of_any_shape_raises_nothing_but_unreadable_file(
    marks: list[dict[str, object]], format: RegisterFormat
) -> None:
    text = json.dumps({"trademarks": marks}).replace("Infinity", "1")

    read_or_refuse(text.encode(), format)
