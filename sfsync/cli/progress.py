"""Progress of a run on stderr."""

from __future__ import annotations

import json
import sys
import time
from types import TracebackType
from typing import Any

import click


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
                BarColumn(bar_width=12),
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
        self.rest()

    def rest(self) -> None:
        """Takes the bar away, so that something can be shown or asked; the next step brings it back."""
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
        self.live.start()
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
