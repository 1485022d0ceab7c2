"""The CSV of Bulk API 2.0: reading uploads by its rules, writing results in its quoting (wire reference 11, 12)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sfsync.rehearsal.errors import OrgError

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
# A field may hold 131,072 characters; Python's csv stops one short of it.
csv.field_size_limit(1 << 20)
Row = list[str] | OrgError


def client_input_error(text: str) -> OrgError:
    return OrgError("ClientInputError", text)


def read(path: Path, delimiter: str, line_ending: str | None) -> tuple[list[str], Iterator[Row]]:
    """Header and rows of an upload. A row that breaks the quoting rules comes as the error it will carry.

    OrgError ClientInputError when the header's line ending is not the job's; None takes any.
    """
    if line_ending is not None:
        _check_line_ending(path, line_ending)
    lines = path.open(encoding="utf-8", newline="")
    reader = csv.reader(lines, delimiter=DELIMITERS[delimiter], strict=True)
    try:
        header = next(reader, [])
    except (csv.Error, UnicodeDecodeError) as error:
        lines.close()
        raise client_input_error(f"Failed to parse the header row: {error}") from error
    if not any(header):
        lines.close()
        raise OrgError("InvalidBatch", "Failed to parse CSV header: no columns found")
    return header, _rows(lines, reader, len(header))


def _rows(lines: io.TextIOWrapper, reader: Iterator[list[str]], width: int) -> Iterator[Row]:
    with lines:
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                yield OrgError("INVALID_CSV", f"Row could not be parsed: {error}", [])
                continue
            except UnicodeDecodeError as error:
                raise client_input_error("The uploaded data is not UTF-8") from error
            if row is None:
                return
            if not row:
                continue
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
    return out.getvalue().encode()


def header_line(own: Sequence[str], uploaded: Sequence[str], delimiter: str, line_ending: str) -> bytes:
    """The header of a result: the system columns quoted, the uploaded ones not (recorded)."""
    quoted = [f'"{name}"' for name in own]
    return (DELIMITERS[delimiter].join([*quoted, *uploaded]) + LINE_ENDINGS[line_ending]).encode()
