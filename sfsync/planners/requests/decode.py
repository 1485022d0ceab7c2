"""Bytes to text: UTF-8 with or without BOM, UTF-16 with BOM, else cp1252 (domain requests D.4).

What is no text at all (a workbook, a web page, a PDF under the name of a CSV) is refused with its true name.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from sfsync.planners.requests.refused import format_refused

_NOT_TEXT = (
    (b"PK\x03\x04", "it is a workbook or a ZIP archive, not a CSV"),
    (b"PK\x05\x06", "it is a ZIP archive, not a CSV"),
    (b"\xd0\xcf\x11\xe0", "it is an old Excel workbook (XLS), not a CSV"),
    (b"%PDF", "it is a PDF, not a CSV"),
    (b"\x1f\x8b", "it is compressed (gzip), not a CSV"),
    (b"Rar!", "it is an archive (RAR), not a CSV"),
    (b"7z\xbc\xaf", "it is an archive (7z), not a CSV"),
)
_MARKUP = ("<!doctype", "<html", "<table", "<?xml", "<head", "<body", "<meta")
_SAVE_AS = "Open it in the program it comes from and save it as CSV or XLSX under its own name."


@dataclass(frozen=True)
class Text:
    """The text of a file, how it was encoded, and ``W-ENC`` where that had to be guessed."""

    text: str
    encoding: str
    bom: bool
    codes: tuple[str, ...] = ()


def decode(content: bytes) -> Text:
    """The text without its BOM; raises ``FileRefused`` for what is no text."""
    for mark, reason in _NOT_TEXT:
        if content.startswith(mark):
            raise format_refused(reason, _SAVE_AS)
    found = _decoded(content)
    if found.text.lstrip()[:9].casefold().startswith(_MARKUP):
        raise format_refused("it is a web page (HTML) or XML, not a CSV", _SAVE_AS)
    if "\x00" in found.text[:65_536]:
        raise format_refused("it holds binary data, not text", _SAVE_AS)
    return found


def _decoded(content: bytes) -> Text:
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if content.startswith(mark):
            return _utf16(content[2:], name)
    bom = content.startswith(codecs.BOM_UTF8)
    body = content[3:] if bom else content
    try:
        return Text(body.decode("utf-8"), "utf-8", bom)
    except UnicodeDecodeError:
        return Text(_cp1252(body), "cp1252", False, ("W-ENC",))


def _utf16(body: bytes, name: str) -> Text:
    try:
        return Text(body.decode(name), name, True)
    except UnicodeDecodeError:
        raise format_refused("it begins as UTF-16 but is damaged", "Save it again as CSV UTF-8.") from None


def _cp1252(body: bytes) -> str:
    """cp1252; the five bytes it does not know are read as Latin-1, so that nothing is lost."""
    try:
        return body.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(_letter(b) for b in body)


def _letter(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)
