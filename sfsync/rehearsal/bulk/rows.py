"""Rows of a query as CSV, a chunk at a time, and what the Bulk APIs refuse to query (wire reference 12)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.bulk.columns import fields_of
from sfsync.rehearsal.bulk.entities import entity
from sfsync.rehearsal.bulk.files import DELIMITERS, LINE_ENDINGS
from sfsync.rehearsal.bulk.loading import CHUNK_ROWS
from sfsync.rehearsal.org import QueryResult
from sfsync.rehearsal.schema.model import Field, Schema
from sfsync.rehearsal.soql.parse import parse
from sfsync.rehearsal.soql.tree import ChildItem, TypeOfItem

__all__ = ["check_supported", "chunks", "fields_of"]
_COMPOUND = frozenset({"address", "location"})
Show = Callable[[Any], str]


def check_supported(schema: Schema, result: QueryResult, soql: str, version: str) -> None:
    """Aggregates, subqueries, TYPEOF, OFFSET, compound fields and objects without bulk are refused."""
    entity(schema, result.object)
    query = parse(soql, version)
    nested = any(isinstance(item, ChildItem | TypeOfItem) for item in query.items)
    if result.aggregate or not result.columns or query.group or nested or query.offset is not None:
        raise errors.bulk_api_error("Aggregate Relationships not supported in Bulk Query")
    fields = fields_of(schema, result.columns, result.object)
    if any(field is not None and field.type in _COMPOUND for field in fields):
        raise errors.bulk_api_error("Selecting compound data not supported in Bulk Query")


class _Lines(list[str]):
    """csv.writer writes a row with one call: a list of lines is all it needs to write to."""

    def write(self, line: str) -> int:
        self.append(line)
        return len(line)


def chunks(
    schema: Schema, result: QueryResult, columns: list[str], delimiter: str, line_ending: str
) -> Iterator[list[bytes]]:
    """The rows of a result, every value quoted, one line of bytes each; ``columns`` in the order to be written."""
    fields = fields_of(schema, columns, result.object)
    pick = [_picker(column.split("."), _shower(field)) for column, field in zip(columns, fields, strict=True)]
    source = iter(result.records)
    while chunk := list(islice(source, CHUNK_ROWS)):
        lines = _Lines()
        writer = csv.writer(
            lines, delimiter=DELIMITERS[delimiter], lineterminator=LINE_ENDINGS[line_ending], quoting=csv.QUOTE_ALL
        )
        writer.writerows([one(row) for one in pick] for row in chunk)
        yield [line.encode() for line in lines]


def _picker(path: list[str], show: Show) -> Show:
    if len(path) == 1:
        (name,) = path
        return lambda row: show(row[name])
    return lambda row: show(_at(row, path))


def _at(row: dict[str, Any], path: list[str]) -> Any:
    value: Any = row
    for step in path:
        if value is None:
            return None
        value = value.get(step)
    return value


def _shower(field: Field | None) -> Show:
    """How a column's values are written; instants end in ``.000Z`` here, not in ``.000+0000``."""
    return _instant if field is not None and field.type == "datetime" else _plain


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _instant(value: Any) -> str:
    return "" if value is None else str(value).replace("+0000", "Z")
