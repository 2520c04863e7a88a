"""Tables in CSV and XLSX: headers, encodings, and refusals that name line, field and reason."""

from datetime import date, datetime
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from app.identifiers.patents import check_digit
from app.identifiers.rights import RightKind
from app.registers.reading import read
from app.registers.records import Limits, ReadResult, RegisterFormat, UnreadableFile

GOOD = "ZL202110000001.6,枸杞干燥装置,2021-01-04"


def read_csv(
    *lines: str, limits: Limits | None = None, header: str = "专利号,名称,申请日"
) -> ReadResult:
    data = "\n".join((header, *lines)).encode()
    return read(data, filename="rights.csv", limits=limits or Limits())


def told(result: ReadResult) -> list[tuple[int, str, str]]:
    return [(refusal.line, refusal.field, refusal.reason) for refusal in result.refusals]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends_are_told(
    encoding: str, delimiter: str, line_end: str
) -> None:
    text = line_end.join(("专利号,名称,申请日", GOOD)).replace(",", delimiter)

    result = read(text.encode(encoding), filename="rights.csv")

    assert result.rows[0].record.title == "枸杞干燥装置"


def test_headers_may_be_english_starred_and_bracketed() -> None:
    result = read_csv(
        "Pump,202110000001.6,2021-01-04", header="Title*,Application Number,申请日（年-月-日）"
    )

    assert result.rows[0].record.filed_on == date(2021, 1, 4)


@pytest.mark.parametrize(
    ("cells", "field", "reason"),
    [
        ("ZL202110000001.5,甲,", "number", "has check digit 5; 6 was expected"),
        (",甲,", "number", "is missing"),
        ("ZL202110000001.6,,", "title", "is missing"),
        ("ZL202110000001.6,甲,2021-02-30", "filed_on", "is a day that no calendar has"),
        ("ZL202110000001.6,甲,1899-12-31", "filed_on", "is before 1900"),
        ("ZL202110000001.6,甲\x07,", "title", "contains a control character (U+0007)"),
        ("ZL202110000001.6,甲\x00,", "title", "contains a control character (U+0000)"),
        (f"ZL202110000001.6,{'甲' * 200_000},", "title", "is longer than 500 characters"),
        (f'ZL202110000001.6,"{"甲," * 100_000}",', "title", "is longer than 500 characters"),
        (
            "ZL202110000001.6,甲\u202e,",
            "title",
            "contains an invisible or direction-changing character (U+202E)",
        ),
        (
            "ZL2021\u200b10000001.6,甲,",
            "number",
            "contains an invisible, direction-changing or combining character "
            "(U+200B ZERO WIDTH SPACE)",
        ),
        (f"ZL202110000001.6,{'甲' * 501},", "title", "is longer than 500 characters"),
        ("ZL202110000001.6,甲", "row", "has 2 columns where the header has 3"),
        ('ZL202110000001.6,"甲,', "row", "has a quotation mark that does not close"),
    ],
)
def test_bad_row_is_refused_with_line_field_and_reason(cells: str, field: str, reason: str) -> None:
    result = read_csv("ZL202220000001.6,灌装机,", cells, "ZL202330000001.6,包装盒,")

    assert told(result) == [(3, field, reason)]
    assert [row.line for row in result.rows] == [2, 4]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_byte_that_is_no_text_loses_its_own_row_only(encoding: str) -> None:
    good = f"专利号,名称,申请日\n{GOOD}\nZL202330000001.6,包装盒,\n".encode(encoding)

    result = read(good + b"ZL202220000001.6,\xff,2021-01-04\n", filename="rights.csv")

    assert told(result) == [(4, "title", "contains bytes that are no text")]
    assert [row.line for row in result.rows] == [2, 3]


def test_kind_of_endless_length_is_refused_for_its_length() -> None:
    result = read_csv(f"ZL202110000001.6,甲,{'发' * 200_000}", header="专利号,名称,类型")

    assert told(result) == [(2, "kind", "is longer than 64 characters")]


def test_all_that_is_wrong_with_a_row_is_said_at_once() -> None:
    result = read_csv("ZL202110000001.5,,2021-13-01")

    assert {field for _, field, _ in told(result)} == {"number", "title", "filed_on"}


def test_refused_value_is_cut_and_printable() -> None:
    (refusal,) = read_csv("ZL202110000001.6," + "\u202e" * 600 + ",").refusals

    assert len(refusal.value) <= 80
    assert refusal.value.isprintable()


def test_quoted_cell_may_run_over_lines_and_the_next_row_keeps_its_line() -> None:
    result = read_csv('ZL202110000001.6,"枸杞\n干燥装置",', "ZL202110000001.5,甲,")

    assert result.rows[0].record.title == "枸杞 干燥装置"
    assert told(result)[0][0] == 4


def test_number_given_twice_is_refused_naming_the_first_line() -> None:
    result = read_csv(GOOD, "202110000001.6,另一名称,")

    assert told(result) == [(3, "number", "is already on line 2")]


def test_kind_must_agree_with_the_number() -> None:
    result = read_csv("ZL202110000001.6,甲,外观设计", header="专利号,名称,类型")

    assert told(result) == [
        (2, "kind", "is design where the number says invention"),
    ]


def test_grant_before_filing_is_refused() -> None:
    result = read_csv(
        "ZL202110000001.6,甲,2021-01-04,2020-01-01", header="专利号,名称,申请日,授权日"
    )

    assert told(result) == [(2, "granted_on", "is before filed_on, 2021-01-04")]


def test_foreign_right_is_imported_as_a_fact() -> None:
    result = read_csv("EP2400812,Radio,发明", header="申请号,名称,类型")

    record = result.rows[0].record
    assert (record.jurisdiction, record.number, record.kind) == (
        "EP",
        "EP2400812",
        RightKind.INVENTION,
    )


def test_eight_bare_digits_under_application_number_do_not_pass_for_a_mark() -> None:
    result = read_csv("97101765,甲", header="申请号,名称")

    ((line, field, reason),) = told(result)
    assert (line, field) == (2, "number")
    assert reason.startswith("lacks its check digit")


@pytest.mark.parametrize(
    ("header", "cells", "field"),
    [
        ("申请号,名称,类型", "EP2400812,Radio,", "kind"),
        ("申请号,名称,类型", "ZL202110000001.6,甲,秘方", "kind"),
        ("申请号,名称,国别", "ZL202110000001.6,甲,火星", "jurisdiction"),
        ("申请号,专利号,名称", "ZL202110000001.6,ZL202180000001.4,甲", "number"),
        ("申请号,名称,授权公告号", "ZL202110000001.6,甲,CN1B", "grant_number"),
        ("申请号,名称,已缴年费至", "ZL202110000001.6,甲,21", "annuity_paid_through_year"),
        ("注册号,名称,已缴年费至", "12345678,甲,3", "annuity_paid_through_year"),
        ("申请号,名称,IPC", "ZL202110000001.6,甲,Z99", "ipc_classes"),
        ("登记号,名称", "2021SR1,甲", "number"),
        ("登记号,名称", "宁作登字-2021,甲", "number"),
    ],
)
def test_field_that_contradicts_its_column_is_refused(header: str, cells: str, field: str) -> None:
    result = read_csv(cells, header=header)

    assert [(refusal.line, refusal.field) for refusal in result.refusals] == [(2, field)]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("专利号,名称,名称", "say the same"),
        ("专利号,名称,发明名称", "say the same"),
        ("名称,申请日", "no header for a number"),
        ("专利号,申请日", "no header for a title"),
    ],
)
def test_header_that_cannot_be_understood_makes_the_file_unreadable(
    header: str, reason: str
) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read_csv("ZL202110000001.6,甲,乙", header=header)


def test_rows_past_the_limit_are_reported_not_lost_in_silence() -> None:
    numbers = [f"20211{serial:07d}" for serial in range(4)]
    rows = [f"{body}.{check_digit(body)},甲," for body in numbers]

    result = read_csv(*rows, limits=Limits(rows=3))

    assert len(result.rows) == 3
    assert told(result)[0][:2] == (5, "row")


def test_workbook_with_chinese_headers_gives_dates_and_whole_numbers() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["注册号", "名称", "注册日期", "到期日", "类别"])
    sheet.append([12345678, "贺兰示例", datetime(2014, 9, 7), 49193, 33])  # noqa: DTZ001
    sheet.append(["12345679", "贺兰示例二", "2021-02-30", None, 46])
    book.create_sheet("说明")
    stream = BytesIO()
    book.save(stream)

    result = read(stream.getvalue(), filename="rights.xlsx")

    (row,) = result.rows
    assert result.format is RegisterFormat.XLSX
    assert result.unmapped == ("sheet 说明",)
    assert (row.line, row.record.number) == (2, "12345678")
    assert row.record.registered_on == date(2014, 9, 7)
    assert row.record.expires_on == date(2034, 9, 6)
    assert row.record.nice_classes == (33,)
    assert told(result) == [
        (3, "registered_on", "is a day that no calendar has"),
        (3, "nice_classes", "is not a Nice class from 1 to 45"),
    ]


# What UTF-8 can carry, without the mark that a quotation needs.
UNQUOTED = st.text(alphabet=st.characters(codec="utf-8", exclude_characters='"'))


@settings(max_examples=300)
@given(st.lists(UNQUOTED, max_size=5), st.text(alphabet=st.characters(codec="utf-8")))
def test_good_row_survives_any_bad_neighbour(before: list[str], after: str) -> None:
    plain_before = [text.replace("202110000001", "") for text in before]

    result = read_csv(*plain_before, GOOD, after.replace("202110000001", ""))

    assert "202110000001.6" in {row.record.number for row in result.rows}


@settings(max_examples=150)
@given(st.text(alphabet='",\n甲2;'))
def test_good_row_survives_broken_quotation_above_it(before: str) -> None:
    result = read_csv(before, GOOD)

    assert "202110000001.6" in {row.record.number for row in result.rows}
