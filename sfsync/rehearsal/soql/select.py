"""From result tuples to records: dictionaries in SELECT order with schema case, nested parents, attributes.

Shapes: wire reference section 9. Each builder is a function of one tuple; it is put together once per query.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sfsync.rehearsal.schema.model import Field, SObject

Row = Sequence[Any]
Build = Callable[[Row], Any]


@dataclass
class Outputs:
    """The SQL expressions of a SELECT, each once."""

    sql: list[str] = field(default_factory=list)

    def place(self, expression: str) -> int:
        if expression not in self.sql:
            self.sql.append(expression)
        return self.sql.index(expression)


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


def leaf(field_: Field, place: int) -> Build:
    """Booleans, whole numbers and decimals get their JSON types; all else is stored as it is shown."""
    if field_.type == "boolean":
        return lambda row: None if row[place] is None else bool(row[place])
    if field_.type in ("double", "currency", "percent"):
        return lambda row: None if row[place] is None else float(row[place])
    if not field_.stored:
        return lambda row: None if row[place] is None else json.loads(row[place])
    return lambda row: row[place]


def head_of(obj: SObject, version: str) -> Callable[[str], dict[str, Any]]:
    name, start = obj.name, f"/services/data/v{version}/sobjects/{obj.name}/"
    return lambda record_id: {"type": name, "url": start + record_id}


def head_of_many(objects: Sequence[SObject], version: str, shown: str | None = None) -> Callable[[str], dict[str, Any]]:
    """For a polymorphic parent: the object comes from the id; ``shown`` replaces its name (the Name object)."""
    by_prefix = {one.prefix: head_of(one, version) for one in objects}

    def head(record_id: str) -> dict[str, Any]:
        found = by_prefix[record_id[:3]](record_id)
        return found if shown is None else {**found, "type": shown}

    return head
