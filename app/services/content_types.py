"""What a file is by its content; its name is never believed."""

import re
import zipfile
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from app.registers.decoding import decode, lines_of

PDF = "application/pdf"
PNG = "image/png"
JPEG = "image/jpeg"
XML = "application/xml"
JSON = "application/json"
CSV = "text/csv"
TEXT = "text/plain"
ZIP = "application/zip"
OFD = "application/ofd"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_SIGNATURES = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
)
_MEMBERS = (("word/document.xml", DOCX), ("xl/workbook.xml", XLSX), ("OFD.xml", OFD))
# So that a refusal can name what it refuses.
_REFUSED = (
    (b"\xd0\xcf\x11\xe0", "application/x-ole-storage"),
    (b"MZ", "application/x-msdownload"),
    (b"\x7fELF", "application/x-elf"),
    (b"GIF8", "image/gif"),
    (b"Rar!", "application/x-rar"),
    (b"7z\xbc\xaf", "application/x-7z-compressed"),
    (b"\x1f\x8b", "application/gzip"),
)
_HTML = ("<!doctype html", "<html", "<script")
# Control characters, and what decode() leaves where a byte is no text.
_SPOILT = re.compile("[\x00-\x08\x0b\x0e-\x1f\ud800-\udfff]")
_HEAD = 4096
_MEMBERS_MAX = 10_000


def content_type_of(data: bytes) -> str:
    """The media type of ``data``; ``application/octet-stream`` if nothing known."""
    for signature, name in (*_SIGNATURES, *_REFUSED):
        if data.startswith(signature):
            return name
    if data.startswith(b"PK\x03\x04"):
        return _zip_type(data)
    return _text_type(data)


def _zip_type(data: bytes) -> str:
    """Documents of office programs are told by the one member each must have."""
    try:
        with ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist()[:_MEMBERS_MAX])
    except (BadZipFile, zipfile.LargeZipFile, ValueError, NotImplementedError):
        return "application/octet-stream"
    return next((name for member, name in _MEMBERS if member in names), ZIP)


def _text_type(data: bytes) -> str:
    text = decode(data)
    head = text.lstrip()[:_HEAD]
    if "\x00" not in text:
        if head.lower().startswith(_HTML):
            return "text/html"
        if head.startswith("<"):
            return XML
        if head.startswith(("{", "[")):
            return JSON
    first_line = head.split("\n", 1)[0]
    delimited = any(mark in first_line for mark in (",", "\t", ";"))
    if text and not _SPOILT.search(text):
        return CSV if delimited else TEXT
    if delimited and not _SPOILT.search(first_line) and _is_mostly_sound(text):
        return CSV
    return "application/octet-stream"


def _is_mostly_sound(text: str) -> bool:
    """Whether most lines are text, so that the reader of a table can refuse the others by name."""
    lines = [line for line in lines_of(text) if line]
    return sum(_SPOILT.search(line) is not None for line in lines) * 2 <= len(lines)
