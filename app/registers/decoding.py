"""Text out of the bytes of a table, in whatever encoding; a damaged byte spoils its place only."""

_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def is_utf16(data: bytes) -> bool:
    """Whether ``data`` says so by its byte order mark."""
    return data[:2] in _UTF16


def decode(data: bytes) -> str:
    """The text of ``data``: UTF-16 by its mark, else UTF-8, else GB 18030.

    A byte that is no text there is a lone surrogate, which no reader of a value takes.
    """
    if is_utf16(data):
        whole = data[2 : len(data) - len(data) % 2]
        return whole.decode(_UTF16[data[:2]], "surrogatepass")
    text = data.decode("utf-8-sig", "surrogateescape")
    sound = text.encode("utf-8", "ignore").decode("utf-8")
    spoilt = len(text) - len(sound)
    beyond_ascii = len(sound) - len(sound.encode("ascii", "ignore"))
    # Hardly a pair of bytes of Chinese in GB 18030 is text in UTF-8 too.
    if not spoilt or spoilt < beyond_ascii:
        return text
    return data.decode("gb18030", "surrogateescape")


def lines_of(text: str) -> list[str]:
    """The physical lines of ``text``, without their ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
