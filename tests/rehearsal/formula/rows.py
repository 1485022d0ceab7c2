"""Rows of the real schema for formulas to run on, without an org."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sfsync.rehearsal.formula import Failure, Scope, bind, evaluate
from sfsync.rehearsal.formula.bind import Column
from sfsync.rehearsal.formula.values import reader
from sfsync.rehearsal.schema.build import build


@dataclass
class Rows:
    stored: dict[str, list[Any]]
    size: int = 1
    before: dict[str, list[Any]] = field(default_factory=dict)
    creating: bool = True
    now: datetime = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Rome"))

    def read(self, column: Column) -> list[Any]:
        name = ".".join([*(one.field.relationship_name or "" for one in column.steps), column.field.name])
        return list(map(reader(column.field.type), self.stored.get(name, [None] * self.size)))

    def prior(self, column: Column) -> list[Any]:
        if self.creating:
            return self.read(column)
        return list(map(reader(column.field.type), self.before[column.field.name]))

    def permitted(self, name: str) -> bool:
        return name == "Refund"


SCHEMA = build()


def scope(obj: str = "Account", where: str = "rule") -> Scope:
    return Scope(SCHEMA, SCHEMA.objects[obj], where)


def run(formula: str, obj: str = "Account", *, where: str = "rule", zero: bool = False, **stored: Any) -> Any:
    """The value of a formula on one row with these stored fields (``__`` in a name stands for a dot)."""
    rows = Rows({name.replace("__", "."): [value] for name, value in stored.items()})
    found = evaluate(bind(formula, scope(obj, where), blank_as_zero=zero), rows)[0]
    return f"#{found.reason}" if isinstance(found, Failure) else found
