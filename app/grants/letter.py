"""A letter as PDF: lines of Chinese on one page, in the font that every reader has for it."""

from collections.abc import Sequence

LINE_PT, SIZE_PT = 26, 14
LEFT_PT, TOP_PT = 70, 740
COLUMNS = 64  # of half a Chinese character

_FONT = (
    b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light-UniGB-UCS2-H/Encoding/UniGB-UCS2-H"
    b"/DescendantFonts[5 0 R]>>",
    b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000/W[1 95 500]"
    b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>/FontDescriptor 6 0 R>>",
    b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]"
    b"/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 880/StemV 93>>",
)


def write(lines: Sequence[str]) -> bytes:
    """The lines on one page of A4; a long one is wrapped. The same lines, the same bytes."""
    shown = b"".join(
        b"<" + part.encode("utf-16-be").hex().encode() + b">Tj T*\n"
        for line in lines
        for part in wrap(line)
    )
    start = f"BT /F1 {SIZE_PT} Tf {LINE_PT} TL {LEFT_PT} {TOP_PT} Td\n".encode()
    stream = start + shown + b"ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 7 0 R"
        b"/Resources<</Font<</F1 4 0 R>>>>>>",
        *_FONT,
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
    )
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (count, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % count + table + end


def wrap(line: str) -> list[str]:
    """Parts that fit the page; what the font's encoding lacks is a box."""
    parts, part, width = [], "", 0
    for character in line:
        shown = character if ord(character) <= 0xFFFF else "□"  # noqa: PLR2004
        step = 1 if shown.isascii() else 2
        if width + step > COLUMNS:
            parts.append(part)
            part, width = "", 0
        part, width = part + shown, width + step
    return [*parts, part]
