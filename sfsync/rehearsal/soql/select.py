"""From result tuples to records: dictionaries in SELECT order with schema case, nested parents, attributes.

Shapes: wire reference section 9. Each builder is a function of one tuple; it is put together once per query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sfsync.rehearsal.schema.model import SObject
from sfsync.rehearsal.soql.scope import Column

Row = Sequence[Any]
Build = Callable[[Row], Any]


@dataclass
class Outputs:
    """The SQL expressions of a SELECT, each once."""

    sql: list[str] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)

    def place(self, expression: str) -> int:
        if expression not in self._places:
            self._places[expression] = len(self.sql)
            self.sql.append(expression)
        return self._places[expression]


@dataclass
class Node:
    """A record under construction: its keys in order of first mention."""

    entries: dict[str, Build] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    id_place: int = 0
    head: Callable[[str], dict[str, Any]] | None = None

    def build(self) -> Build:
        pairs = [(key, self.nodes[key].build() if key in self.nodes else one) for key, one in self.entries.items()]
        place, head = self.id_place, self.head
        assert head is not None

        def make(row: Row) -> dict[str, Any] | None:
            record_id = row[place]
            if record_id is None:
                return None
            record = {"attributes": head(record_id)}
            for key, one in pairs:
                record[key] = one(row)
            return record

        return make


def leaf(column: Column, outputs: Outputs) -> Build:
    """Booleans, whole numbers and decimals get their JSON types; all else is stored as it is shown."""
    place = outputs.place(column.sql)
    if column.show is not None:
        show = column.show
        return lambda row: show(row[place])
    if column.field.type == "boolean":
        return lambda row: None if row[place] is None else bool(row[place])
    if column.field.type in ("double", "currency", "percent"):
        return lambda row: None if row[place] is None else float(row[place])
    return lambda row: row[place]


def compound(parts: Sequence[tuple[str, Build]]) -> Build:
    """An address or location: its parts under their keys, null when all are empty."""

    def make(row: Row) -> dict[str, Any] | None:
        found = {key: one(row) for key, one in parts}
        return None if all(value is None for value in found.values()) else found

    return make


def head_of(obj: SObject, version: str) -> Callable[[str], dict[str, Any]]:
    name, start = obj.name, f"/services/data/v{version}/sobjects/{obj.name}/"
    return lambda record_id: {"type": name, "url": start + record_id}


def head_of_many(objects: Sequence[SObject], version: str, shown: str | None = None) -> Callable[[str], dict[str, Any]]:
    """For a polymorphic parent: the object comes from the id; ``shown`` replaces its name (the Name object)."""
    by_prefix = {one.prefix: head_of(one, version) for one in reversed(objects)}

    def head(record_id: str) -> dict[str, Any]:
        found = by_prefix[record_id[:3]](record_id)
        return found if shown is None else {**found, "type": shown}

    return head
