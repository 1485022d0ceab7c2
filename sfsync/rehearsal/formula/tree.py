"""What a formula is made of, before and after its names are looked up.

Kinds are the types a formula knows: text, number, boolean, date, datetime, time, picklist, multipicklist, null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class FormulaError(ValueError):
    """A formula that cannot be saved; the text is Salesforce's, without the file it stands in."""


@dataclass(frozen=True, slots=True)
class Literal:
    """``value`` is str, Decimal, bool or None; the empty text is None."""

    value: Any
    kind: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A field by its path: ``("Account", "Name")``, ``("$User", "Id")``."""

    path: tuple[str, ...]

    @property
    def text(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Call:
    """A function by its upper-case name, or an operator by its sign (unary minus is ``neg``)."""

    name: str
    args: tuple[Node, ...]


Node = Literal | Ref | Call
