"""Workbooks: values, never formulas, as the person saw them (openpyxl, read only).

Refused: macros, links to other workbooks, and archives that unpack to far more than they weigh. A number of more than
fifteen digits is written as a spreadsheet shows it (``8,90123E+15``), because a spreadsheet has lost its last digits.
"""

from __future__ import annotations

import importlib
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from sfsync.errors import ConfigError
from sfsync.planners.requests.refused import HeaderMissing, format_refused
from sfsync.planners.requests.sheet import Dialect, Knows, Record, Sheet, bounded, sheet
from sfsync.planners.requests.sheets import joined

MOST_COLUMNS = 256
_MOST_BYTES, _MOST_TIMES, _MOST_PARTS = 400 << 20, 200, 5_000
_SMALL = 10 << 20  # below this an archive may be packed as tightly as it likes
_SAVE = "Save it as a plain XLSX (values only), or as CSV."
_ZEROS = re.compile(r"0+")
_EXACT = 10**15


def read(content: bytes, knows: Knows, most: int) -> Sheet:
    """The table of every sheet that has a header, each under the last; raises ``FileRefused``.

    ``W-SHEET`` where a sheet that says something has none and was left.
    """
    _look(content)
    book = _opened(content)
    try:
        named, left = _sheets(book, knows, most)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError, EOFError):
        raise format_refused("the workbook is damaged", _SAVE) from None
    finally:
        book.close()
    if not named:
        raise left[0] if left else format_refused("the workbook has no sheet", _SAVE)
    found = joined(named, knows)
    bounded(len(found), most)
    return replace(found, codes=("W-SHEET",)) if any(one.something for one in left) else found


def _sheets(book: Any, knows: Knows, most: int) -> tuple[list[tuple[str, Sheet]], list[HeaderMissing]]:
    """The tables by the names of their sheets, hidden ones too, and what is said of the sheets that are none."""
    named, left = [], []
    for one in book.worksheets:
        try:
            named.append((one.title, sheet(_records(one), knows, Dialect("xlsx"), (), most)))
        except HeaderMissing as missing:
            left.append(missing)
    return named, left


def _look(content: bytes) -> None:
    """What must be known before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError):
        raise format_refused("it has the name of a workbook and is none", _SAVE) from None
    names = [p.filename.lower() for p in parts]
    if "[content_types].xml" not in names:
        raise format_refused("it is a ZIP archive, not a workbook", _SAVE)
    if any(n.endswith(("vbaproject.bin", ".vba")) or "/macrosheets/" in n for n in names):
        raise format_refused("the workbook holds macros", _SAVE)
    if any("externallinks/" in n for n in names):
        raise format_refused("the workbook is linked to other workbooks", _SAVE)
    size = sum(p.file_size for p in parts)
    if len(parts) > _MOST_PARTS or size > _MOST_BYTES or size > max(_SMALL, _MOST_TIMES * len(content)):
        raise format_refused("the workbook unpacks to far more than it weighs", _SAVE)


def _opened(content: bytes) -> Any:
    openpyxl = library()
    try:
        return openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    except Exception:  # openpyxl says many different things of a broken part
        raise format_refused("the workbook is damaged", _SAVE) from None


def library() -> Any:
    """openpyxl, loaded when there is a workbook."""
    try:
        return importlib.import_module("openpyxl")
    except ImportError:
        step = "Install openpyxl, or use CSV."
        raise ConfigError("workbooks need openpyxl, which is missing", "REQUESTS_XLSX", "", step) from None


def _records(one: Any) -> Iterator[Record]:
    one.reset_dimensions()  # what a writer noted as the used range need not be true
    blank: list[Record] = []  # below the last line a form may have hundreds of prepared ones
    for number, cells in enumerate(one.iter_rows(max_col=MOST_COLUMNS), 1):
        found = _without_empty_end(cells)
        blank.append((number, found))
        if found:
            yield from blank
            blank.clear()


def _without_empty_end(cells: Iterable[Any]) -> list[str]:
    found = [text(c.value, getattr(c, "number_format", "") or "") for c in cells]
    while found and not found[-1]:
        found.pop()
    return found


def text(value: Any, number_format: str = "") -> str:
    """A cell as its reader saw it, in the profile's way of writing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "si" if value else "no"
    if isinstance(value, datetime):
        timed = value.time() != time() or "h" in number_format.lower()
        return value.strftime("%d/%m/%Y %H:%M:%S" if timed else "%d/%m/%Y")
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    if isinstance(value, time):
        return value.strftime("%H:%M:%S")
    return _number(value, number_format) if isinstance(value, int | float) else str(value)


def _number(value: int | float, number_format: str) -> str:
    if value != value or abs(value) >= _EXACT:
        return f"{float(value):.5E}".replace(".", ",")
    if value == int(value):
        digits = str(int(value))
        return digits.zfill(len(number_format)) if _ZEROS.fullmatch(number_format) else digits
    return f"{value:.15g}".replace(".", ",")
