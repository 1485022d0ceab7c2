"""Tables on stdout: aligned, and as wide as the terminal allows; one line per record where nobody looks on.

A narrow terminal costs air first, then breaks long texts, then leaves out spare columns; ``--json`` has everything.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.text import Text

FOLD = 10  # characters a text that may break needs at least
GAPS = (3, 2, 1)  # blanks between columns, best first
HYPHENS = {"unchanged": "un-\nchanged", "conflicts": "con-\nflicts"}


@dataclass(frozen=True)
class Styled:
    """A cell with a colour that means something."""

    text: str
    style: str


def count(number: int, style: str) -> Styled | str:
    """A number that stands out when it is not zero."""
    return Styled(f"{number:,}", style) if number else "0"


def instant(stamp: str | None) -> str | None:
    """An ISO instant as people read it, to the second; its blank is where a narrow column may break it."""
    return None if not stamp else f"{stamp[:10]} {stamp[11:19]}Z"


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    right: Collection[str] = (),
    fold: Collection[str] = (),
    spare: Sequence[str] = (),
) -> None:
    """Prints a table.

    ``right``: columns of numbers. ``fold``: columns whose texts may break into lines. ``spare``: columns a narrow
    terminal does without, the first one first.
    """
    made = [[_cell(v) for v in row] for row in rows]
    _out(click.style(title, bold=True) if sys.stdout.isatty() else title)
    width = _terminal()
    for layout in _layouts(columns, made, fold, spare):
        if width is None or layout.least <= width:
            return _print(layout, made, right, fold, width or layout.natural)
    return _cards(columns, made) if fold else _print(layout, made, right, fold, layout.natural)


def _terminal() -> int | None:
    """The terminal's width; None if stdout is none."""
    from rich.console import Console

    return Console().width if sys.stdout.isatty() else None


@dataclass(frozen=True)
class Layout:
    """Which columns to show, under which headings, how far apart, and the widths that takes."""

    chosen: list[int]
    headings: list[str]
    gap: int
    natural: int
    least: int


def _layouts(
    columns: Sequence[str], rows: list[list[Text]], fold: Collection[str], spare: Sequence[str]
) -> Iterator[Layout]:
    """From the roomiest to the tightest."""
    for left_out in range(len(spare) + 1):
        chosen = [n for n, c in enumerate(columns) if c not in spare[:left_out]]
        whole = [columns[n] for n in chosen]
        broken = [HYPHENS.get(h, h) for h in whole]
        yield from (_layout(chosen, rows, whole, (), gap) for gap in GAPS)
        yield from (_layout(chosen, rows, h, fold, gap) for h in (whole, broken) for gap in GAPS[1:])


def _layout(chosen: list[int], rows: list[list[Text]], headings: list[str], fold: Collection[str], gap: int) -> Layout:
    air = gap * (len(chosen) - 1)
    natural = [max(_width(h), *(r[n].cell_len for r in rows), 0) for n, h in zip(chosen, headings, strict=True)]
    least = [min(w, max(FOLD, _width(h))) if h in fold else w for w, h in zip(natural, headings, strict=True)]
    return Layout(chosen, headings, gap, sum(natural) + air, sum(least) + air)


def _width(heading: str) -> int:
    return max(len(line) for line in heading.split("\n"))


def _print(layout: Layout, rows: list[list[Text]], right: Collection[str], fold: Collection[str], width: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    left = int(layout.gap == max(GAPS))
    padding = (0, layout.gap - 1 - left, 0, left)  # the box itself adds one blank
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=padding)
    for heading in layout.headings:
        name = heading.replace("-\n", "")
        loose = name in fold
        made.add_column(
            heading,
            justify="right" if name in right else "left",
            no_wrap=not loose,
            overflow="fold",
            min_width=_width(heading) if loose else None,
        )
    for row in rows:
        made.add_row(*(row[n] for n in layout.chosen))
    console = Console(width=width, highlight=False)
    with console.capture() as shown:
        console.print(made)
    _out("\n".join(line.rstrip() for line in shown.get().splitlines()) + "\n")


def _cards(columns: Sequence[str], rows: list[list[Text]]) -> None:
    """One line per value, for a terminal too narrow for the table."""
    longest = max(map(len, columns))
    for row in rows:
        for name, cell in zip(columns, row, strict=True):
            _out(f"{name:<{longest}}  {cell.plain}")
        _out("")


def _out(text: str) -> None:
    """By the stream itself: click would put a question mark for what the stream's encoding lacks."""
    click.echo(text, file=sys.stdout, color=True)


def _cell(value: Any) -> Text:
    from rich.text import Text

    if value is None:
        return Text("–")
    if isinstance(value, Styled):
        return Text(value.text, value.style)
    return Text(f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value))
