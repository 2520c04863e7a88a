"""ZIP containers looked at before they are opened: how many members, how large, how dense."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from app.core.messages import say
from app.registers.records import Limits, UnreadableFile

MAGIC = b"PK\x03\x04"
# Below this size a dense member is ordinary (a sheet of equal rows), and harmless.
RATIO_FROM_BYTES = 1024 * 1024

TAGS_PER_NODE = 2  # an element that holds something opens and closes
_ENCRYPTED = 0x1
# What zipfile raises on broken or hostile containers, by experience and by its source.
BROKEN = (
    BadZipFile,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside the container. Its name is never used as a path: nothing is written."""

    name: str
    info: ZipInfo


def open_archive(data: bytes, *, limits: Limits) -> tuple[ZipFile, tuple[Member, ...]]:
    """The container and its members, directories left out. Raises ``UnreadableFile``."""
    try:
        archive = ZipFile(BytesIO(data))
        infos = archive.infolist()
    except BROKEN as error:
        raise UnreadableFile(say("it is a broken ZIP container")) from error
    if len(infos) > limits.zip_members:
        raise UnreadableFile(say("it holds more than {count} files", count=limits.zip_members))
    if sum(info.file_size for info in infos) > limits.zip_unpacked:
        raise UnreadableFile(say("it unpacks to more than {size} bytes", size=limits.zip_unpacked))
    for info in infos:
        _check_member(info, limits=limits)
    return archive, tuple(Member(info.filename, info) for info in infos if not info.is_dir())


def check_markup(archive: ZipFile, members: tuple[Member, ...], *, limits: Limits) -> None:
    """Refuse a container whose documents have more tags than ``limits.nodes`` elements would.

    Readers of workbooks parse some of its parts whole, so this is counted before they begin.
    """
    tags = 0
    for member in members:
        tags += read_member(archive, member).count(b"<")
        if tags > TAGS_PER_NODE * limits.nodes:
            raise UnreadableFile(say("it holds more than {count} XML elements", count=limits.nodes))


def read_member(archive: ZipFile, member: Member) -> bytes:
    """The bytes of a member; at most the size that ``open_archive`` has allowed."""
    try:
        with archive.open(member.info) as stream:
            return stream.read(member.info.file_size)
    except BROKEN as error:
        raise UnreadableFile(say("a file inside the ZIP container is broken")) from error


def _check_member(info: ZipInfo, *, limits: Limits) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise UnreadableFile(say("it is protected by a password"))
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise UnreadableFile(say("it is compressed by a method other than deflate"))
    dense = info.file_size > limits.zip_ratio * max(info.compress_size, 1)
    if dense and info.file_size > RATIO_FROM_BYTES:
        raise UnreadableFile(
            say("it is compressed more than {times} times", times=limits.zip_ratio)
        )
