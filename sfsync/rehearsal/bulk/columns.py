"""The fields behind a query's flat column names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfsync.rehearsal.schema.model import Field, Schema, SObject


def fields_of(schema: Schema, columns: list[str], object_name: str) -> list[Field | None]:
    """The field of each column, ``Account.Owner.Name`` style; None where there is none (aggregates)."""
    start = schema.find(object_name)
    return [_walk(schema, column.split("."), start) for column in columns]


def _walk(schema: Schema, path: list[str], start: SObject | None) -> Field | None:
    for step in path[:-1]:
        link = start.relation(step) if start else None
        start = schema.find(link.reference_to[0]) if link and link.reference_to else None
    return start.find(path[-1]) if start else None
