"""The parse tree of a query. ``at`` is the 0-based place in the text, for error messages."""

from __future__ import annotations

import re
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

    @property
    def shown(self) -> str:
        return re.sub(r"\s", "", self.text)


@dataclass(frozen=True, slots=True)
class Literal:
    """``kind``: string, number, boolean, null, date, datetime, currency, range (a date literal: its name and n)."""

    kind: str
    value: Any
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function, maybe of functions: ``FORMAT(MIN(CloseDate))``, ``DISTANCE(Place__c, GEOLOCATION(1, 2), 'km')``."""

    name: str
    arguments: tuple[Operand | Literal, ...]
    at: int

    @property
    def argument(self) -> Operand | None:
        """The field or function it is of; None for ``COUNT()``."""
        first = self.arguments[0] if self.arguments else None
        return None if isinstance(first, Literal) else first

    @property
    def shown(self) -> str:
        inner = ",".join(str(one.value) if isinstance(one, Literal) else one.shown for one in self.arguments)
        return f"{self.name}({inner})"


Operand = Path | Call


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
    """``joined``: further entries of FROM, ``(c.Account, a)``; ``grouping``: "", ROLLUP or CUBE."""

    items: tuple[Item, ...]
    source: Path
    alias: str | None = None
    joined: tuple[tuple[Path, str | None], ...] = ()
    scope: Path | None = None
    where: Condition | None = None
    group: tuple[Operand, ...] = ()
    grouping: str = ""
    having: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int | None = None
