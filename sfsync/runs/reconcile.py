"""reconcile: both sides complete, what no window showed, and a plan that repairs it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfsync.errors import Exit
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Header
from sfsync.planners.reconcile.make import Report, reconcile
from sfsync.planners.sync.make import Progress, Sources
from sfsync.runs.bench import Bench
from sfsync.runs.running import quiet
from sfsync.runs.sync import plan_exit, planned


@dataclass(frozen=True)
class Reconciled:
    """What was found, and the plan that repairs it."""

    header: Header
    parts: Report
    exit: Exit
    api_calls: int
    api_remaining: int | None
    duration_s: float

    def as_json(self) -> dict[str, Any]:
        """The document of ``--json``."""
        return {
            "as_of": self.header.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "exit": int(self.exit),
            "plan": self.header.plan_id,
            "repairs": self.header.changes,
            "api_calls": self.api_calls,
            "api_remaining": self.api_remaining,
            "duration_s": round(self.duration_s, 3),
            "mappings": {name: part.model_dump() for name, part in self.parts.items()},
            "findings": [f.model_dump() for f in self.header.findings],
        }


@contextmanager
def reconciled(
    bench: Bench, names: Sequence[str], *, out: Path | None = None, progress: Progress = quiet
) -> Iterator[Reconciled]:
    """Compares the named mappings; the plan is kept in ``out``, or thrown away at the end. Reads only."""
    started = time.monotonic()
    parts: Report = {}

    def maker(sources: Sources, folder: PlanFolder, *, full: bool, progress: Progress) -> Header:
        header, found = reconcile(sources, folder, progress=progress)
        parts.update(found)
        return header

    with planned(bench, names, out=out, full=True, progress=progress, maker=maker) as folder:
        assert folder.header is not None
        calls, left = bench.salesforce.api_calls, bench.salesforce.api_remaining
        ended = _exit(folder, parts)
        yield Reconciled(folder.header, parts, ended, calls, left, time.monotonic() - started)


def _exit(folder: PlanFolder, parts: Report) -> Exit:
    """A guard that would stop the repair; else whether something is there to repair or to look at."""
    wrong = any(part.wrong for part in parts.values())
    return plan_exit(folder) or (Exit.WAITING if wrong else Exit.DONE)
