"""The parse tree of a query. ``at`` is the 0-based place in the text, for error messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Path:
    """A field, maybe through relationships: ``Account.Owner.Name``."""

    text: str
    at: int

    @property
    def parts(self) -> list[str]:
        return [one.strip() for one in self.text.split(".")]


@dataclass(frozen=True, slots=True)
class Call:
    """A function of a field, or ``COUNT()`` without one."""

    name: str
    argument: Path | None
    at: int


Operand = Path | Call


@dataclass(frozen=True, slots=True)
class Literal:
    """``kind``: string, number, boolean, null, date, datetime, range (a date literal: its name and n)."""

    kind: str
    value: Any
    at: int


@dataclass(frozen=True, slots=True)
class Compare:
    """``operator``: = != < <= > >= LIKE."""

    operand: Operand
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class InValues:
    operand: Operand
    values: tuple[Literal, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class InQuery:
    operand: Operand
    query: Query
    negated: bool


@dataclass(frozen=True, slots=True)
class Includes:
    operand: Operand
    values: tuple[Literal, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class AllOf:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    term: Condition


Condition = Compare | InValues | InQuery | Includes | AllOf | AnyOf | Negated


@dataclass(frozen=True, slots=True)
class FieldItem:
    path: Path
    alias: str | None


@dataclass(frozen=True, slots=True)
class CallItem:
    call: Call
    alias: str | None


@dataclass(frozen=True, slots=True)
class ChildItem:
    query: Query


@dataclass(frozen=True, slots=True)
class TypeOfItem:
    """``branches``: (object name, its fields); ``otherwise``: fields for all other objects."""

    path: Path
    branches: tuple[tuple[Path, tuple[Path, ...]], ...]
    otherwise: tuple[Path, ...]


Item = FieldItem | CallItem | ChildItem | TypeOfItem


@dataclass(frozen=True, slots=True)
class Order:
    operand: Operand
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    items: tuple[Item, ...]
    source: Path
    alias: str | None
    where: Condition | None = None
    group: tuple[Operand, ...] = ()
    having: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int | None = None
