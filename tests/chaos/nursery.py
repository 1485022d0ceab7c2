"""Imports everything once, then forks a child for every command it is told; children run side by side.

One order per line of stdin, one answer per line of stdout, both JSON: ``start`` gives a pid, ``look`` the exit status
or null, ``end`` waits for it. A child is the real command line with the real signals; only *numbers* are changed
before it begins: sizes from which Bulk is taken, pauses between retries, the room its disk has left.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import resource
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Nursery:
    """The process that forks, seen from outside."""

    def __init__(self, logs: Path) -> None:
        self.logs, self._made = logs, 0
        logs.mkdir(parents=True, exist_ok=True)
        plain = {k: v for k, v in os.environ.items() if not k.startswith("SFSYNC_")}
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=plain | {"PYTHONPATH": str(ROOT)},
        )

    def start(self, arguments: list[str], **more: Any) -> Child:
        """A child at work. ``environment``, ``numbers`` (see ``_set_numbers``), ``log`` (a name) may be told."""
        self._made += 1
        name = more.pop("log", "") or f"{self._made:05d}"
        out, err = self.logs / f"{name}.out", self.logs / f"{name}.err"
        order = {"op": "start", "arguments": arguments, "out": str(out), "err": str(err), **more}
        return Child(self, int(self.order(order)), out, err)

    def order(self, order: dict[str, Any]) -> Any:
        """One order, its answer."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)


class Child:
    """A command in a process of its own."""

    def __init__(self, nursery: Nursery, pid: int, out: Path, err: Path) -> None:
        self._nursery, self.pid, self._out, self._err = nursery, pid, out, err

    def ended(self) -> int | None:
        """The exit status, negative if a signal ended it; None while it works."""
        found: int | None = self._nursery.order({"op": "look", "pid": self.pid})
        return found

    def end(self, *, within_s: float = 300) -> int:
        """Waits for the end; a process that does not end within the time is killed (-9)."""
        return int(self._nursery.order({"op": "end", "pid": self.pid, "within_s": within_s}))

    def kill(self) -> int:
        """SIGKILL, now."""
        return self.end(within_s=0)

    @property
    def out(self) -> str:
        """What it wrote to stdout."""
        return self._out.read_text("utf-8", "replace")

    @property
    def err(self) -> str:
        """What it wrote to stderr."""
        return self._err.read_text("utf-8", "replace")


# -- the process itself -----------------------------------------------------------------------------------------------


def _child(order: dict[str, Any]) -> None:
    """Becomes the command; never returns."""
    from sfsync.cli import main

    status = 1
    try:
        os.setpgid(0, 0)  # Ctrl-C belongs to the one who holds the strings
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.environ.update(order.get("environment", {}))
        _set_numbers(**order.get("numbers", {}))
        status = main(order["arguments"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _set_numbers(
    *,
    small_rows: int = 5_000,
    batch_rows: int = 0,
    ledger_pages: int = 0,
    file_bytes: int = 0,
    pause_s: float = 0.01,
    attempts: int = 6,
    limit_s: float = 20,
) -> None:
    """Small worlds, large ways: Bulk from few rows, batches of few rows, short pauses, a disk that is nearly full.

    limit_s       how long a run waits for a Bulk job
    ledger_pages  most pages the ledger's database may have (SQLite then says that the disk is full)
    file_bytes    most bytes any file of the process may have (the system then refuses the write)
    """
    import sqlalchemy as sa

    from sfsync.plan import apply
    from sfsync.sides import salesforce
    from sfsync.sides.salesforce.jobs import Pace
    from sfsync.sides.salesforce.session import Patience
    from sfsync.sides.salesforce.ways import Ways

    patience = Patience(attempts, pause_s, pause_s * 20)
    pace = Pace(first_s=0.02, most_s=0.2, limit_s=limit_s)
    made = partial(salesforce.SalesforceSide, patience=patience, pace=pace, ways=Ways(small_rows=small_rows))
    salesforce.SalesforceSide = made  # type: ignore[misc,assignment]
    if batch_rows:
        apply.BULK_ROWS = batch_rows
    if ledger_pages:
        sa.event.listen(sa.Engine, "connect", partial(_few_pages, ledger_pages))
    if file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))


def _few_pages(pages: int, connection: Any, _record: object) -> None:
    if any(str(row[2]).endswith("ledger.db") for row in connection.execute("PRAGMA database_list").fetchall()):
        connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()


def _start(order: dict[str, Any]) -> int:
    for name in ("out", "err"):
        Path(order[name]).touch(mode=0o600)
    pid = os.fork()
    if not pid:
        _child(order)
    return pid


def _status(pid: int, flags: int) -> int | None:
    found, status = os.waitpid(pid, flags)
    return os.waitstatus_to_exitcode(status) if found else None


def _end(pid: int, within_s: float) -> int:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        status = _status(pid, os.WNOHANG)
        if status is not None:
            return status
        time.sleep(0.002)
    os.kill(pid, 9)
    ended = _status(pid, 0)
    assert ended is not None
    return ended


def _serve() -> None:
    """Until stdin ends; then nothing that was started stays."""
    import sfsync

    for module in pkgutil.walk_packages(sfsync.__path__, "sfsync."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):  # only to be quick; a module that is needed will say so in the child
                importlib.import_module(module.name)
    living: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        answer: int | None
        if order["op"] == "start":
            answer = _start(order)
            living.add(answer)
        else:
            pid = order["pid"]
            answer = _status(pid, os.WNOHANG) if order["op"] == "look" else _end(pid, order["within_s"])
            if answer is not None:
                living.discard(pid)
        print(json.dumps(answer), flush=True)
    for pid in living:
        _end(pid, 0)


if __name__ == "__main__":
    _serve()
