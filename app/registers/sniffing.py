"""Which register wrote a file, told by its content; the name only helps to say what is wrong."""

import re

from app.core.messages import say
from app.registers.archive import MAGIC, open_archive
from app.registers.decoding import decode, is_utf16, lines_of
from app.registers.records import Limits, RegisterFormat, UnreadableFile
from app.registers.renewals import HEADERS
from app.registers.xmltext import outline

_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # .xls, and workbooks with a password
_PDF_MAGIC = b"%PDF-"
_BOM = b"\xef\xbb\xbf"
_XML_START = re.compile(rb"<(?:\?xml|[A-Za-z_!])")
_ROOTS = {
    "us-patent-grant": RegisterFormat.USPTO_ST36,
    "us-patent-application": RegisterFormat.USPTO_ST36,
    "ClaimsDocument": RegisterFormat.USPTO_ST96,
    "SpecificationDocument": RegisterFormat.USPTO_ST96,
    "AbstractDocument": RegisterFormat.USPTO_ST96,
    "TradeMark": RegisterFormat.INPI_ST66,
    "patent-family": RegisterFormat.EPO_LEGAL_FAMILY,
    "exchange-documents": RegisterFormat.EPO_BIBLIO,
    "exchange-document": RegisterFormat.EPO_BIBLIO,
    "biblio-search": RegisterFormat.EPO_BIBLIO,
}
_OTHER_EXTENSIONS = (".xlsx", ".xls", ".xml", ".json", ".zip", ".pdf", ".docx")


def sniff(data: bytes, *, filename: str, limits: Limits) -> RegisterFormat:
    """The format of ``data``. Raises ``UnreadableFile`` for what no reader here can be for."""
    if data.startswith(MAGIC):
        return _sniff_archive(data, limits=limits)
    if data.startswith(_OLE_MAGIC):
        raise UnreadableFile(say("it is an old or protected Excel file; save it as .xlsx or CSV"))
    if data.startswith(_PDF_MAGIC):
        raise UnreadableFile(say("it is a PDF; records are read from CSV, XLSX, XML and JSON"))
    head = decode(data[:256]).encode("utf-8", "ignore") if is_utf16(data) else data[:256]
    start = head.removeprefix(_BOM).lstrip()
    if _XML_START.match(start):
        return _sniff_xml(data, limits=limits)
    if start.startswith((b"{", b"[")):
        return _sniff_json(data)
    return _sniff_text(data, filename=filename)


def _sniff_archive(data: bytes, *, limits: Limits) -> RegisterFormat:
    archive, members = open_archive(data, limits=limits)
    archive.close()
    names = {member.name for member in members}
    if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        return RegisterFormat.XLSX
    if any(name.lower().endswith(".xml") for name in names) and "word/document.xml" not in names:
        return RegisterFormat.USPTO_ST96
    raise UnreadableFile(
        say("it is a ZIP container with neither a workbook nor XML documents in it")
    )


def _sniff_xml(data: bytes, *, limits: Limits) -> RegisterFormat:
    names = [name.rpartition("}")[2] for name in outline(data, limits=limits)]
    for name in names:
        if name in _ROOTS:
            return _ROOTS[name]
    raise UnreadableFile(say("it is XML of a kind that is not read here"))


def _sniff_json(data: bytes) -> RegisterFormat:
    if b'"trademarks"' in data:
        us = b'"prosecutionHistory"' in data or b'"serialNumber"' in data
        return RegisterFormat.TSDR if us else RegisterFormat.EUIPO_JSON
    if b'"results"' in data and b'"doc_number"' in data:
        return RegisterFormat.EPO_BIBLIO
    raise UnreadableFile(say("it is JSON of a kind that is not read here"))


def _sniff_text(data: bytes, *, filename: str) -> RegisterFormat:
    first = next((line for line in lines_of(decode(data)) if line.strip()), "")
    if first.strip() == "interactions:":
        raise UnreadableFile(say("it is a recorded HTTP exchange; save the body of its answer"))
    if set(HEADERS) <= set(first.split("\t")):
        return RegisterFormat.COPYRIGHT_TSV
    if filename.lower().endswith(_OTHER_EXTENSIONS):
        raise UnreadableFile(say("its content is not what its name says"))
    return RegisterFormat.CSV
