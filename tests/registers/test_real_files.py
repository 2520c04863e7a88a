"""Real register files give the records they hold, each field where it belongs."""

from datetime import date
from pathlib import Path

import pytest

from app.identifiers.rights import RightKind
from app.registers.reading import read
from app.registers.records import EventRecord, ReadResult, RegisterFormat, RightRecord

FILES = Path(__file__).parent.parent / "data" / "registers"


def read_file(name: str) -> ReadResult:
    return read((FILES / name).read_bytes(), filename=name)


def records(name: str) -> list[RightRecord]:
    result = read_file(name)
    assert result.refusals == ()
    return [row.record for row in result.rows]


@pytest.mark.parametrize(
    ("name", "format", "rows"),
    [
        ("cn_patent_award_sample.csv", RegisterFormat.CSV, 11),
        ("portfolio_zh.csv", RegisterFormat.CSV, 6),
        ("CN104968889A_biblio.xml", RegisterFormat.EPO_BIBLIO, 1),
        ("biblio_example_2.xml", RegisterFormat.EPO_BIBLIO, 1),
        ("search_result_json.xml", RegisterFormat.EPO_BIBLIO, 100),
        ("family_EP.xml", RegisterFormat.EPO_LEGAL_FAMILY, 6),
        ("epodev_family_with_legal.xml", RegisterFormat.EPO_LEGAL_FAMILY, 5),
        ("legal_example_2.xml", RegisterFormat.EPO_LEGAL_FAMILY, 1),
        ("US08930553_grant_ST36.xml", RegisterFormat.USPTO_ST36, 1),
        ("sample_XML4IP_ST96.zip", RegisterFormat.USPTO_ST96, 5),
        ("euipo_tm_apple_size10.json", RegisterFormat.EUIPO_JSON, 10),
        ("uspto_tsdr_sn78787878.json", RegisterFormat.TSDR, 1),
        ("inpi_tm_notice_st66.xml", RegisterFormat.INPI_ST66, 1),
        ("nypl_cce_renewals_1951-1A_head.tsv", RegisterFormat.COPYRIGHT_TSV, 199),
    ],
)
def test_format_is_told_by_content_and_every_record_comes_out(
    name: str, format: RegisterFormat, rows: int
) -> None:
    data = (FILES / name).read_bytes()

    told = read(data, filename="upload")
    given = read(data, filename="upload", format=format)

    assert (told.format, len(told.rows)) == (format, rows)
    assert told == given


def test_award_list_gives_bare_numbers_and_all_holders() -> None:
    result = read_file("cn_patent_award_sample.csv")
    ultrasound = result.rows[9]

    assert result.unmapped == ("award_edition", "award_level", "industry")
    assert ultrasound.line == 11
    assert ultrasound.record.number == "201811083498.7"
    assert ultrasound.record.publication_number == "CN109363714A"
    assert ultrasound.record.grant_number == "CN109363714B"
    assert ultrasound.record.holders == (
        "深圳迈瑞生物医疗电子股份有限公司",
        "深圳迈瑞科技有限公司",
    )
    assert ultrasound.record.filed_on == date(2018, 9, 17)
    assert ultrasound.record.granted_on == date(2020, 12, 15)
    assert ultrasound.record.source.record_id == "P25-S-ZL201811083498.7"


def test_divisional_application_may_be_filed_before_the_year_of_its_number() -> None:
    telecom = records("cn_patent_award_sample.csv")[6]

    assert (telecom.number, telecom.filed_on) == ("201910561574.9", date(2017, 2, 15))


def test_chinese_portfolio_mixes_all_kinds() -> None:
    invention, model, design, mark, software, work = records("portfolio_zh.csv")

    assert [r.kind for r in (invention, model, design, mark, software, work)] == list(RightKind)
    assert invention.filed_on == date(2021, 1, 4)
    assert invention.ipc_classes == ("A23B 7/02", "F26B 3/00")
    assert invention.annuity_paid_through_year == 5
    assert invention.unmapped == ("经办人",)
    assert model.granted_on == date(2022, 8, 2)
    assert design.unmapped == ("classes",)
    assert (mark.number, mark.nice_classes, mark.expires_on) == (
        "12345678",
        (33, 35),
        date(2034, 9, 6),
    )
    assert software.number == "2021SR0001234"
    assert software.completed_on == date(2020, 10, 30)
    assert work.title == "示例 纹样"


def test_docdb_number_of_china_gets_its_check_digit_from_the_original() -> None:
    (record,) = records("CN104968889A_biblio.xml")

    assert record.number == "201380062258.8"
    assert record.publication_number == "CN104968889A"
    assert record.title == "Attitude reference for tieback/overlap processing"
    assert record.holders == ("SCIENT DRILLING INT",)
    assert (record.filed_on, record.published_on) == (date(2013, 10, 11), date(2015, 10, 7))
    assert record.ipc_classes == ("E21B 47/0228", "E21B 47/024")
    assert "priority-claims" in record.unmapped


def test_docdb_number_of_china_gets_its_check_digit_without_the_original() -> None:
    name = "CN104968889A_biblio.xml"
    cut = (FILES / name).read_bytes().replace(b'type="original"', b'type="other"')

    (row,) = read(cut, filename=name).rows

    assert row.record.number == "201380062258.8"


def test_search_hit_of_china_is_refused_for_its_missing_application_number() -> None:
    hits = b"""<ops:world-patent-data xmlns="http://www.epo.org/exchange" xmlns:ops="urn:ops">
      <ops:biblio-search><ops:search-result>
        <ops:publication-reference><document-id document-id-type="docdb"><country>CN</country>
          <doc-number>109702739</doc-number><kind>B</kind></document-id></ops:publication-reference>
        <ops:publication-reference><document-id document-id-type="docdb"><country>DE</country>
          <doc-number>202011</doc-number><kind>U1</kind></document-id></ops:publication-reference>
      </ops:search-result></ops:biblio-search></ops:world-patent-data>"""

    result = read(hits, filename="hits.xml")

    (row,) = result.rows
    assert (row.line, row.record.kind) == (2, RightKind.UTILITY_MODEL)
    assert row.record.publication_number == "DE202011U1"
    assert [(r.line, r.field) for r in result.refusals] == [(1, "number")]


def test_event_whose_date_cannot_be_read_refuses_its_record_only() -> None:
    name = "epodev_family_with_legal.xml"
    spoilt = (FILES / name).read_bytes().replace(b"2017-08-06", b"2017-08-36")

    result = read(spoilt, filename=name)

    assert len(result.rows) == 4
    assert [(r.line, r.field, r.value) for r in result.refusals] == [(3, "events.on", "2017-08-36")]


def test_family_keeps_each_member_with_its_own_events() -> None:
    members = records("epodev_family_with_legal.xml")

    assert [member.source.record_id for member in members] == [
        "EP2400812A1",
        "EP2400812B1",
        "CA2744162A1",
        "US2012057518A1",
        "US9648662B2",
    ]
    assert [len(member.events) for member in members] == [69, 0, 1, 5, 0]
    assert sum(e.effective_on is not None for m in members for e in m.events) == 42
    assert members[1].granted_on == date(2019, 11, 27)
    assert members[2].events == (
        EventRecord(
            code="FZDE",
            on=date(2017, 8, 6),
            description="DISCONTINUED",
            effective_on=date(2017, 6, 23),
            details=(("Country Code", "CA"), ("Influence", "-")),
        ),
    )


def test_grant_in_st36_maps_number_owner_and_day_of_grant() -> None:
    (record,) = records("US08930553_grant_ST36.xml")

    assert (record.jurisdiction, record.number) == ("US", "13648029")
    assert record.grant_number == "US08930553B2"
    assert record.holders == ("International Business Machines Corporation",)
    assert (record.filed_on, record.granted_on) == (date(2012, 10, 9), date(2015, 1, 6))
    assert record.ipc_classes == ("G06F 15/16",)


def test_file_wrapper_documents_become_events_of_their_application() -> None:
    by_number = {record.number: record for record in records("sample_XML4IP_ST96.zip")}

    assert list(by_number) == ["12993548", "13694401", "13821389", "13962724", "14522151"]
    assert [(e.code, e.on) for e in by_number["13962724"].events] == [
        ("ABST", date(2013, 8, 8)),
        ("CLM", date(2013, 8, 8)),
        ("SPEC", date(2013, 8, 8)),
        ("ABST", date(2014, 11, 18)),
        ("CLM", date(2014, 11, 18)),
    ]


def test_european_mark_maps_classes_and_bulletins() -> None:
    marks = records("euipo_tm_apple_size10.json")

    assert marks[0].number == "000428557"
    assert marks[0].nice_classes == (30, 32, 33)
    assert marks[0].events[0].code == "A.1"
    assert marks[0].published_on == date(1998, 4, 27)
    # An international registration has a day of designation instead of one of filing.
    assert (marks[3].number, marks[3].filed_on) == ("W00928475", date(2007, 5, 7))
    assert marks[5].holders == ("SABMILLER INTERNATIONAL BRANDS LIMITED",)


def test_us_mark_maps_owner_history_and_leaves_foreign_classes() -> None:
    (mark,) = records("uspto_tsdr_sn78787878.json")

    assert (mark.number, mark.title) == ("78787878", "MAC MEMPHIS ATHLETIC CAMPUS")
    assert mark.holders == ("MEMPHIS ATHLETIC CAMPUS FOUNDATION",)
    assert len(mark.events) == 16
    assert mark.events[-1].code == "NWAP"
    assert mark.events[-1].on == date(2006, 1, 12)
    assert mark.nice_classes == ()
    assert "niceClasses" in mark.unmapped


def test_french_notice_takes_applicants_where_no_holder_is_named() -> None:
    (mark,) = records("inpi_tm_notice_st66.xml")

    assert mark.holders == ("ACME SAS", "ACME Holdings")
    assert mark.nice_classes == (9, 42)
    assert (mark.registered_on, mark.expires_on) == (date(2016, 1, 15), date(2026, 1, 15))
    assert mark.status == "registered"


def test_renewal_is_an_event_of_the_original_registration() -> None:
    result = read_file("nypl_cce_renewals_1951-1A_head.tsv")
    first = result.rows[0].record

    assert first.number == "A704623"
    assert first.holders == ("The Lawyers Co-operative Pub. Co.",)
    assert first.registered_on == date(1923, 5, 18)
    assert (first.events[0].on, first.events[0].details) == (
        date(1951, 4, 25),
        (("id", "R77831"),),
    )
    (refusal,) = result.refusals
    assert (refusal.line, refusal.reason) == (183, "is already on line 179")
