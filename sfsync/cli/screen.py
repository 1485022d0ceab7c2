"""What people see: aligned tables, colour with meaning, progress on long work; plain lines in cron; JSON for machines.

stdout carries the answer (a table or one JSON document), stderr everything else.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any

import click

LEVELS = {"error": "red", "warning": "yellow", "info": "blue", "ok": "green"}
MARKS = {"error": "✖", "warning": "▲", "info": "·", "ok": "✔"}


def emit(document: Any) -> None:
    """The one JSON document of ``--json``."""
    readable = (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    click.echo(json.dumps(document, ensure_ascii=not readable, default=str))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Iterable[str] = ()) -> None:
    """An aligned table on stdout; numbers to the right, nothing cut that a person needs."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold", pad_edge=False)
    numbers = set(right)
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(_cell(v) for v in row))
    wide = None if sys.stdout.isatty() else 160
    Console(width=wide, highlight=False).print(made)


def _cell(value: Any) -> str:
    from rich.markup import escape

    if value is None:
        return "–"
    if isinstance(value, Styled):
        return f"[{value.style}]{escape(value.text)}[/]"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else escape(str(value))


class Styled:
    """A cell with a colour that means something."""

    def __init__(self, text: str, style: str) -> None:
        self.text, self.style = text, style


def count(number: int, style: str) -> Styled | str:
    """A number that stands out when it is not zero."""
    return Styled(f"{number:,}", style) if number else "0"


def say(text: str, level: str = "info") -> None:
    """One line on stderr."""
    mark = click.style(MARKS.get(level, "·"), fg=LEVELS.get(level, "white"))
    click.echo(f"{mark} {text}", err=True)


def findings(found: Iterable[Any]) -> None:
    """Findings with their next step, on stderr."""
    for finding in found:
        where = f"{finding.mapping}: " if finding.mapping else ""
        say(f"{where}{finding.message} [{finding.code}]", finding.level)
        if finding.next_step:
            click.echo(f"    → {finding.next_step}", err=True)


class Progress:
    """Progress of a run: a live bar on a terminal, a line per step in cron, JSON lines for machines, or silence."""

    def __init__(self, *, quiet: bool, log_format: str) -> None:
        self.quiet = quiet
        self.json = log_format == "json"
        self.live: Any = None
        self._task: Any = None
        self._last: tuple[str, str] | None = None
        self._started = time.monotonic()

    def __enter__(self) -> Progress:
        if sys.stderr.isatty() and not self.quiet and not self.json:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            self.live = Progress(
                SpinnerColumn(),
                TextColumn("[bold]{task.fields[mapping]:<9}"),
                TextColumn("{task.description:<24}"),
                BarColumn(bar_width=28),
                TextColumn("{task.completed:>9,} records"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.stop()

    def __call__(self, mapping: str, step: str, records: int, total: int | None = None) -> None:
        """Called by the run: ``records`` done so far in this step of this mapping."""
        fresh = (mapping, step) != self._last
        self._last = (mapping, step)
        if self.live:
            self._bar(mapping, step, records, total, fresh)
        elif fresh and not self.quiet:
            self.log("step", mapping=mapping, step=step)

    def _bar(self, mapping: str, step: str, records: int, total: int | None, fresh: bool) -> None:
        if fresh:
            if self._task is not None:
                self.live.remove_task(self._task)
            self._task = self.live.add_task(step, mapping=mapping, total=total)
        self.live.update(self._task, completed=records, total=total)

    def log(self, action: str, **fields: Any) -> None:
        """One log line on stderr with a stable action word; keys and counts only."""
        if self.json:
            line = {"t": round(time.monotonic() - self._started, 3), "action": action, **fields}
            click.echo(json.dumps(line, ensure_ascii=False, default=str), err=True)
        elif not self.quiet:
            click.echo(" ".join([action, *(f"{k}={v}" for k, v in fields.items())]), err=True)
