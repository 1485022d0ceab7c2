"""A run under way: its leases, its row in the ledger, its two lines in the audit trail, and what it leaves behind."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfsync.errors import Exit, SfsyncError
from sfsync.frugal import be_frugal
from sfsync.ledger import audit, lease
from sfsync.mapping.model import Mapping
from sfsync.planners.sync.make import Progress
from sfsync.runs.bench import Bench
from sfsync.runs.result import Result


def quiet(_mapping: str, _step: str, _records: int) -> None:
    """Progress for nobody."""


@dataclass
class Run:
    """A run under way: its id, its result so far and what it holds."""

    bench: Bench
    command: str
    mappings: dict[str, Mapping]
    progress: Progress
    started: float
    leases: dict[str, lease.Lease]
    result: Result

    @property
    def id(self) -> str:
        """The run's id."""
        return self.result.run


@contextmanager
def running(
    bench: Bench, command: str, mappings: dict[str, Mapping], progress: Progress, waived: Sequence[str] = ()
) -> Iterator[Run]:
    """Leases, the run's row, the audit trail's two lines; whatever happens inside is recorded as its end."""
    be_frugal()
    started = time.monotonic()
    ledger = bench.ledger
    with ExitStack() as stack:
        names = sorted(mappings)
        leases = {n: stack.enter_context(lease.acquire(ledger, f"mapping:{n}")) for n in names}
        run_id = ledger.begin_run(command, bench.as_of, bench.actor, waived)
        run = Run(bench, command, mappings, progress, started, leases, Result(run_id, bench.as_of))
        body = {"command": command, "mappings": list(mappings)} | ({"waived": list(waived)} if waived else {})
        audit.append(ledger, "run.begin", body, run_id=run_id, actor=bench.actor)
        try:
            yield run
        except SfsyncError as error:
            _end(run, error.exit_status, {"error": error.code})
            raise
        except BaseException:
            _end(run, Exit.DEFECT, {"error": "DEFECT"})
            raise
        _end(run, run.result.exit, {})
        clean(bench)


def _end(run: Run, status: Exit, more: dict[str, Any]) -> None:
    ledger, result = run.bench.ledger, run.result
    result.duration_s = time.monotonic() - run.started
    ledger.end_run(run.id, int(status), {**result.as_json(), "exit": int(status), **more})
    body = {"exit": int(status), "mappings": result.mappings, **more}
    audit.append(ledger, "run.end", body, run_id=run.id, actor=run.bench.actor)


def scratch(bench: Bench) -> Path:
    """A folder for a plan that is thrown away; its name says which process works with it."""
    runs = bench.settings.ledger.folder / "runs"
    runs.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Path(tempfile.mkdtemp(prefix=f"plan-{os.getpid()}-", dir=runs))


def clean(bench: Bench) -> None:
    """Removes what is over: plan folders (they hold values) that killed runs left behind, and history past its time."""
    for path in (bench.settings.ledger.folder / "runs").glob("plan-*-*"):
        if not lease.alive(int(path.name.split("-")[1])):
            shutil.rmtree(path, ignore_errors=True)
    bench.ledger.prune(bench.ledger.now())
