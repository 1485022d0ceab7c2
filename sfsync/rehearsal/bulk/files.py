"""The CSV of Bulk API 2.0: reading uploads by its rules, writing results in its quoting (wire reference 11, 12)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sfsync.rehearsal.errors import OrgError

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
# A field may hold 131,072 characters; Python's csv stops one short of it.
csv.field_size_limit(1 << 20)
HEADER_MOST = 32_000
Row = list[str] | OrgError


def client_input_error(text: str) -> OrgError:
    return OrgError("ClientInputError", text)


def _not_utf8() -> OrgError:
    return client_input_error("The uploaded data is not UTF-8")


def read(
    path: Path, delimiter: str, line_ending: str | None, *, any_bytes: bool = False
) -> tuple[list[str], Iterator[Row]]:
    """Header and rows of an upload. A row that breaks the quoting rules comes as the error it will carry.

    ``any_bytes`` lets through what is not UTF-8, in a form that ``encode`` turns back; otherwise it is a
    ClientInputError, of the header or when the row is come to.
    OrgError ClientInputError when the header's line ending is not the job's; None takes any.
    """
    if line_ending is not None:
        _check_line_ending(path, line_ending)
    strange = "surrogateescape" if any_bytes else "strict"
    source = _Source(path.open(encoding="utf-8", errors=strange, newline=""), DELIMITERS[delimiter])
    reader = csv.reader(source.lines(), delimiter=DELIMITERS[delimiter], strict=True)
    try:
        header = next(reader, [])
        _check_header(header)
    except UnicodeDecodeError as error:
        source.file.close()
        raise _not_utf8() from error
    except csv.Error as error:
        source.file.close()
        raise client_input_error(f"Failed to parse the header row: {error}") from error
    except OrgError:
        source.file.close()
        raise
    return header, _rows(source, reader, len(header))


def _check_header(header: list[str]) -> None:
    if not any(header):
        raise OrgError("InvalidBatch", "Failed to parse CSV header: no columns found")
    if sum(map(len, header)) + len(header) - 1 > HEADER_MOST:
        raise OrgError("InvalidBatch", f"The header row may have {HEADER_MOST} characters")


class _Source:
    """The lines of a file; remembers those of the row being read where a blank stands beside a quote.

    Python's csv takes ``A, "B"`` for two values of which the second has quotes in it; for Salesforce it is an error.
    """

    def __init__(self, file: io.TextIOWrapper, delimiter: str) -> None:
        self.file = file
        self._suspect = re.compile(rf'(?:^|{re.escape(delimiter)})[ \t]+"')
        plain = rf'[^"{re.escape(delimiter)}\r\n]*'
        value = rf'(?:"(?:[^"]|"")*"|{plain}|{plain}[^" {re.escape(delimiter)}\r\n]"[^{re.escape(delimiter)}\r\n]*)'
        self._whole = re.compile(rf"{value}(?:{re.escape(delimiter)}{value})*(?:\r?\n|\r)?")
        self._row: list[str] = []
        self._odd = False

    def lines(self) -> Iterator[str]:
        suspect = self._suspect.search
        for line in self.file:
            if '"' in line:
                self._row.append(line)
                self._odd = self._odd or suspect(line) is not None
            elif self._row:
                self._row.append(line)
            yield line

    def is_broken(self) -> bool:
        """Whether the row just read breaks the rule; forgets its lines."""
        broken = self._odd and self._whole.fullmatch("".join(self._row)) is None
        self._row.clear()
        self._odd = False
        return broken


def _rows(source: _Source, reader: Iterator[list[str]], width: int) -> Iterator[Row]:
    with source.file:
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                source.is_broken()
                yield OrgError("INVALID_CSV", f"Row could not be parsed: {error}", [])
                continue
            except UnicodeDecodeError as error:
                raise _not_utf8() from error
            if row is None:
                return
            broken = source.is_broken()
            if not row:
                continue
            if broken:
                yield OrgError("INVALID_CSV", "Row could not be parsed: a blank stands beside a double quote", [])
            else:
                yield row if len(row) == width else _wrong_width(len(row), width)


def _wrong_width(found: int, width: int) -> OrgError:
    return OrgError("INVALID_CSV", f"The row has {found} columns, the header has {width}", [])


def _check_line_ending(path: Path, line_ending: str) -> None:
    with path.open("rb") as file:
        first = file.readline()
    is_crlf = first.endswith(b"\r\n")
    if first.endswith(b"\n") and is_crlf != (line_ending == "CRLF"):
        text = f"LineEnding is invalid on user data. Current LineEnding setting is {line_ending}"
        raise client_input_error(text)


def encode(rows: Iterable[Sequence[str]], delimiter: str, line_ending: str) -> bytes:
    """Rows with every value quoted."""
    out = io.StringIO()
    writer = csv.writer(
        out, delimiter=DELIMITERS[delimiter], lineterminator=LINE_ENDINGS[line_ending], quoting=csv.QUOTE_ALL
    )
    writer.writerows(rows)
    return out.getvalue().encode(errors="surrogateescape")


def header_line(own: Sequence[str], uploaded: Sequence[str], delimiter: str, line_ending: str) -> bytes:
    """The header of a result: the system columns quoted, the uploaded ones not (recorded)."""
    quoted = [f'"{name}"' for name in own]
    return (DELIMITERS[delimiter].join([*quoted, *uploaded]) + LINE_ENDINGS[line_ending]).encode(
        errors="surrogateescape"
    )
