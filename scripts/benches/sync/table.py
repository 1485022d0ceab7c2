"""Tables: aligned for the terminal, as Markdown for the page, as plain values for ``--json``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

MISSING = "–"


@dataclass(frozen=True)
class Figure:
    """One line of the issue's table. ``target`` is the most it may be; None: shown, nothing promised."""

    name: str
    ours: float
    unit: str
    target: float | None = None
    note: str = ""

    def cells(self) -> list[str]:
        met = MISSING if self.target is None else "yes" if self.ours <= self.target else "no"
        wanted = MISSING if self.target is None else f"≤ {shown(self.target)} {self.unit}".rstrip()
        return [self.name, f"{shown(self.ours)} {self.unit}".rstrip(), wanted, met, self.note]


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; the first column is words, the others are figures."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default_factory=tuple)

    @classmethod
    def of(cls, title: str, figures: Sequence[Figure], notes: Sequence[str] = ()) -> Table:
        """Figures with their targets."""
        return cls(title, ("figure", "ours", "target", "met", "beside it"), [f.cells() for f in figures], notes)

    def text(self) -> str:
        """For the terminal."""
        lines = [list(self.head), *map(list, self.rows)]
        wide = [max(len(line[at]) for line in lines) for at in range(len(self.head))]
        body = ["  ".join(_padded(line, wide)).rstrip() for line in lines]
        return "\n".join([self.title, *body, *(f"  {note}" for note in self.notes)])

    def markdown(self) -> str:
        """For the page."""
        rule = ["---", *["--:"] * (len(self.head) - 1)]
        body = [f"| {' | '.join(line)} |" for line in (self.head, rule, *self.rows)]
        notes = [f"- {note}" for note in self.notes]
        return "\n".join([f"### {self.title}", "", *body, *(["", *notes] if notes else [])])

    def plain(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "title": self.title,
            "rows": [dict(zip(self.head, row, strict=True)) for row in self.rows],
            "notes": [*self.notes],
        }


def _padded(line: Sequence[str], wide: Sequence[int]) -> list[str]:
    return [line[0].ljust(wide[0]), *(cell.rjust(width) for cell, width in zip(line[1:], wide[1:], strict=True))]


def shown(value: float) -> str:
    """A figure with as many decimals as say something."""
    if value >= 100 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 20 else f"{value:.2f}"


def ratio(value: float, other: float | None) -> str:
    """``×1.25``; a dash where there is nothing to compare with."""
    return f"×{value / other:.2f}" if other else MISSING
