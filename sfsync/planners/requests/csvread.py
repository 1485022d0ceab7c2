"""CSV as people write it: any delimiter, ``sep=`` lines, quotes with line ends, CR, LF or both.

Lines without a quote are simply cut; only the others go through the reader of quotes. Every record keeps the number
of the line on which it begins.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from sfsync.planners.requests.decode import Text
from sfsync.planners.requests.refused import format_refused
from sfsync.planners.requests.sheet import HEADER_WITHIN, Dialect, Knows, Record, Sheet, is_header, sheet

_SEP = re.compile(r'\s*"?sep=(.|\\t)"?\s*[;,|\t]*\s*', re.I)
_PIECE = 1 << 20  # characters
_STRAY = "A quotation mark opens a cell and never closes: find the line, close or double the mark."


def read(text: Text, delimiters: tuple[str, ...], knows: Knows, most: int) -> Sheet:
    """The table of a CSV; raises ``FileRefused`` without a header, or where a quotation mark never closes."""
    hint = _hint(text.text)
    delimiter = _delimiter(text.text, hint, delimiters, knows)
    dialect = Dialect("csv", text.encoding, text.bom, delimiter, _newline(text.text), bool(hint))
    return sheet(records(text.text, delimiter, skip=bool(hint)), knows, dialect, text.codes, most)


def _hint(text: str) -> str:
    found = _SEP.fullmatch(next(_lines(text[:64]), "").rstrip("\r\n"))
    return "" if found is None else found[1].replace("\\t", "\t")


def _delimiter(text: str, hint: str, delimiters: tuple[str, ...], knows: Knows) -> str:
    """The one under which a line of the beginning names the most columns; a ``sep=`` line wins where it may."""
    start, wanted = _beginning(text), dict.fromkeys([*([hint] if hint else []), *delimiters])
    scores = {d: _score(_outside(start), d, knows) for d in wanted}
    if not any(scores.values()):  # a stray mark may stand before the header
        scores = {d: _score(start, d, knows) for d in wanted}
    if hint and scores[hint]:
        return hint
    return max(scores, key=lambda d: scores[d])


def _beginning(text: str) -> list[str]:
    lines = io.StringIO(text[:200_000], newline="")
    return [line for line, _ in zip(lines, range(HEADER_WITHIN + 1), strict=False)]


def _outside(lines: list[str]) -> list[str]:
    """The lines that do not begin inside quotation marks: a header somebody pasted into a cell is none."""
    found, inside = [], False
    for line in lines:
        if not inside:
            found.append(line)
        inside ^= line.count('"') % 2 == 1
    return found


def _score(lines: list[str], delimiter: str, knows: Knows) -> int:
    best = 0
    for line in lines:
        cells = [c.strip().strip('"') for c in line.split(delimiter)]
        if is_header(cells, knows):
            best = max(best, len({n for c in cells if (n := knows(c))}))
    return best


def _newline(text: str) -> str:
    found = re.search(r"\r\n|\n|\r", text)
    return found[0] if found else "\r\n"


def records(text: str, delimiter: str, *, skip: bool = False) -> Iterator[Record]:
    """The records with their line numbers (from 1); ``skip``: the first line is no record."""
    lines = enumerate(_lines(text), 1)
    if skip:
        next(lines, None)
    for number, line in lines:
        if '"' not in line:
            yield number, line.rstrip("\r\n").split(delimiter)
            continue
        record = _Quoted(delimiter)
        more: str | None = line
        while more is not None and not record.take(more):
            more = next(lines, (0, None))[1]
        if more is None:
            raise format_refused(f"a quotation mark that opens on line {number} never closes", _STRAY)
        yield number, record.cells


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends, whichever these are; a megabyte at a time, because a reader copies its text."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + _PIECE) + 1 or len(text)
        yield from io.StringIO(text[start:end], newline="")
        start = end


class _Quoted:
    """A record with quotation marks, which may go over several lines. A mark inside an unquoted cell is a letter."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter, self._inside, self._begins = delimiter, False, True
        self._part: list[str] = []
        self.cells: list[str] = []

    def take(self, line: str) -> bool:
        """One more line; True if the record is complete."""
        place: int | None = 0
        while place is not None:
            place = self._text(line, place) if self._inside else self._cell(line, place)
        return not self._inside

    def _text(self, line: str, place: int) -> int | None:
        """Inside quotation marks: up to the closing one; two of them are one."""
        end = line.find('"', place)
        if end < 0:
            self._part.append(line[place:])
            return None
        self._part.append(line[place:end])
        if line.startswith('"', end + 1):
            self._part.append('"')
            return end + 2
        self._inside, self._begins = False, False
        return end + 1

    def _cell(self, line: str, place: int) -> int | None:
        """Outside: at the beginning of a cell, or behind a closing mark."""
        opening = re.compile(r' *"').match(line, place) if self._begins else None
        if opening:
            self._inside = True
            return opening.end()
        end = line.find(self._delimiter, place)
        self._part.append(line[place:].rstrip("\r\n") if end < 0 else line[place:end])
        self.cells.append("".join(self._part))
        self._part, self._begins = [], True
        return None if end < 0 else end + len(self._delimiter)
