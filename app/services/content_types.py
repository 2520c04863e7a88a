"""What a file is by its content; its name is never believed."""

import zipfile
from io import BytesIO
from zipfile import BadZipFile, ZipFile

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
_BOM = b"\xef\xbb\xbf"
_HTML = (b"<!doctype html", b"<html", b"<script")
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
    head = data.removeprefix(_BOM).lstrip()[:_HEAD]
    if b"\x00" in data:
        return "application/octet-stream"
    if head.lower().startswith(_HTML):
        return "text/html"
    if head.startswith(b"<"):
        return XML
    if head.startswith((b"{", b"[")):
        return JSON
    if not _is_text(data):
        return "application/octet-stream"
    first_line = head.split(b"\n", 1)[0]
    return CSV if any(mark in first_line for mark in (b",", b"\t", b";")) else TEXT


def _is_text(data: bytes) -> bool:
    """UTF-8, or the GB 18030 that Chinese spreadsheets write."""
    for encoding in ("utf-8", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return not any(ord(c) < ord(" ") and c not in "\t\n\r\f" for c in text)
    return False
