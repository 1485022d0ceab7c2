"""What every reader makes of a file: a table of text cells, each row with the line it stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.planners.requests.refused import HeaderMissing, format_refused

BLOCK_ROWS = 10_000
HEADER_WITHIN = 20  # lines above the header (a title, a date) that a file may have

Record = tuple[int, list[str]]  # line number in the file, cells
Knows = Callable[[str], str | None]  # a column's name -> the field it means


@dataclass(frozen=True)
class Dialect:
    """How the sender writes: what a result file for him looks like."""

    form: str  # csv | xlsx | jsonl
    encoding: str = "utf-8"
    bom: bool = False
    delimiter: str = ";"
    newline: str = "\r\n"
    sep_line: bool = False


@dataclass(frozen=True)
class Sheet:
    """A file as a table.

    header    the columns' names as the file has them
    cells     table n x h of text, never null; row i stands on line ``lines[i]`` (int64)
    surplus   bool n: a row has more cells than the header, and something stands in them
    codes     what is said of the file as a whole
    above     bool n: the row stands above the header
    sheets    text n: the sheet of the workbook the row stands on, where there are several
    """

    header: tuple[str, ...]
    cells: pa.Table
    lines: np.ndarray
    surplus: np.ndarray
    dialect: Dialect
    codes: tuple[str, ...]
    above: np.ndarray
    sheets: pa.Array | None = None

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, number: int) -> pa.Array:
        """One column in one piece."""
        return self.cells.column(number).combine_chunks()


def sheet(records: Iterable[Record], knows: Knows, dialect: Dialect, codes: tuple[str, ...], most: int) -> Sheet:
    """The table under the first line that is a header; raises ``FileRefused`` without one, or above ``most`` rows."""
    start = iter(records)
    titles, header = _header(start, knows)
    width = len(header)
    tables, lines, surplus = [], [], []
    rest = chain(titles, start)
    while block := list(islice(rest, BLOCK_ROWS)):
        tables.append(_table([cells for _, cells in block], width))
        lines.append(np.array([line for line, _ in block], np.int64))
        surplus.append(np.array([any(c.strip() for c in cells[width:]) for _, cells in block], bool))
        bounded(sum(map(len, lines)), most)
    if not tables:
        tables, lines, surplus = [_table([], width)], [np.zeros(0, np.int64)], [np.zeros(0, bool)]
    found = np.concatenate(lines)
    above = np.arange(len(found)) < len(titles)
    return Sheet(header, pa.concat_tables(tables), found, np.concatenate(surplus), dialect, codes, above)


def bounded(count: int, most: int) -> None:
    """Raises ``FileRefused`` for a file of more than ``most`` rows; lines above the header are not rows."""
    if count > most + HEADER_WITHIN:
        step = "Cut it into several files; requests keep their identifiers."
        raise format_refused(f"it has more than {most:,} rows", step)


def _header(records: Iterator[Record], knows: Knows) -> tuple[list[Record], tuple[str, ...]]:
    """The lines above the header (they are skipped rows, too) and the header."""
    above: list[Record] = []
    for line, cells in islice(records, HEADER_WITHIN):
        if is_header(cells, knows):
            return above, tuple(_without_empty_end(cells))
        above.append((line, cells))
    raise HeaderMissing(bool(above))


def is_header(cells: list[str], knows: Knows) -> bool:
    """Does this line name columns? Two known names at least, one of them the shop or the type of the request."""
    found = {name for c in cells if (name := knows(c))}
    return len(found) >= 2 and bool(found & {"shop_code", "request_type"})


def _without_empty_end(cells: list[str]) -> list[str]:
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _table(rows: list[list[str]], width: int) -> pa.Table:
    names = [str(n) for n in range(width)]
    columns = list(zip_longest(*(r[:width] for r in rows), fillvalue="")) if rows else []
    columns += [("",) * len(rows)] * (width - len(columns))
    return pa.table([_array(column) for column in columns], names=names)


def _array(column: tuple[str, ...]) -> pa.Array:
    """Text; lone surrogates, which no database takes, become question marks."""
    try:
        return pa.array(column, pa.string())
    except UnicodeEncodeError:
        return pa.array([c.encode("utf-8", "replace").decode() for c in column], pa.string())


def blank(cells: pa.Table) -> np.ndarray:
    """bool n: nothing stands in the row."""
    found = np.ones(cells.num_rows, bool)
    for column in cells.columns:
        bare = pc.utf8_trim_whitespace(column.combine_chunks())
        found &= pc.equal(bare, "").to_numpy(zero_copy_only=False)
    return found
