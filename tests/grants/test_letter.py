"""The letter as PDF: its table points at its objects, and a long line is wrapped."""

import re

from app.grants import letter


def test_every_object_lies_where_the_table_says() -> None:
    written = letter.write(["推荐函", "项目名称：一种耐磨涂层"])
    start = int(re.findall(rb"startxref\n(\d+)", written)[0])
    places = re.findall(rb"(\d{10}) 00000 n", written[start:])

    assert written[start:].startswith(b"xref")
    assert len(places) == 7
    for number, place in enumerate(places, start=1):
        assert written[int(place) :].startswith(b"%d 0 obj" % number)
    [length] = re.findall(rb"/Length (\d+)>>stream", written)
    [stream] = re.findall(rb"stream\n(.*)\nendstream", written, re.DOTALL)
    assert len(stream) == int(length)


def test_a_long_line_is_wrapped_and_loses_nothing_but_what_the_font_lacks() -> None:
    parts = letter.wrap("新" * 33 + "\U00020000")

    assert parts == ["新" * 32, "新□"]
