"""Starts and stops a rehearsal org: in this process until SIGTERM (``serve``), or in a thread (``running``)."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sfsync.rehearsal import faults as fault_orders
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry.credentials import write_private
from sfsync.rehearsal.opening import Ready, ServeError, locked, open_context, ready
from sfsync.rehearsal.server import HOST, Listener, Service, listen

__all__ = ["Ready", "ServeError", "locked", "reset", "running", "serve"]

_START_SECONDS = 60
# SQLite lets the interpreter go at every row of a query and every row written. Each time the thread then waits this
# long for one that computes; with the usual five milliseconds a load and a query at once take twice their time.
_SWITCH_SECONDS = 0.0002


def serve(
    data: Path,
    *,
    port: int = 0,
    https_port: int | None = None,
    seed: str = "empty",
    force_app: Path | None = None,
    faults_file: Path | None = None,
    ready_file: Path | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Serves until SIGTERM or SIGINT. ``say`` gets the ready line, ``ready_file`` has it written atomically.

    ``https_port`` None: http only; 0 takes a free port. The faults of ``faults_file`` replace what was armed before.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    with locked(data), ExitStack() as open_sockets:
        listeners = listen(open_sockets, data, port, https_port)
        context = _open(data, listeners, seed, force_app)
        if faults_file is not None:
            _arm(context, faults_file)

        def announce() -> None:
            line = ready(context, listeners[-1].certificate).line()
            if ready_file is not None:
                write_private(ready_file, line.encode() + b"\n")
            say(line)

        service = Service(context, listeners, announce)
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, service.stop)
        asyncio.run(service.run())
        context.org.close()


def _arm(context: Context, file: Path) -> None:
    try:
        context.faults.replace(fault_orders.read(file))
    except (ValueError, TypeError, re.error) as error:
        text = f"the faults in {file} cannot be armed: {error}"
        step = "mend the file; docs/how-to/rehearse.md lists the kinds"
        raise ServeError(text, "FAULTS_REFUSED", next_step=step) from error


def _open(data: Path, listeners: list[Listener], seed: str, force_app: Path | None) -> Context:
    https_url = listeners[-1].url if listeners[-1].certificate else None
    return open_context(data, listeners[0].url, seed=seed, force_app=force_app, https_url=https_url)


@contextmanager
def running(
    data: Path,
    *,
    port: int = 0,
    https_port: int | None = None,
    seed: str = "empty",
    force_app: Path | None = None,
) -> Iterator[Ready]:
    """An org served by a thread of this process; for tests and demos. Stops, cleanly, at the end of the block."""
    with locked(data), ExitStack() as open_sockets:
        listeners = listen(open_sockets, data, port, https_port)
        context = _open(data, listeners, seed, force_app)
        up = threading.Event()
        service = Service(context, listeners, up.set)
        thread = threading.Thread(target=asyncio.run, args=(service.run(),), name="rehearsal org")
        thread.start()
        try:
            if not up.wait(_START_SECONDS):
                raise ServeError("the rehearsal org did not start", "ORG_NOT_STARTED", next_step="see its log")
            yield ready(context, listeners[-1].certificate)
        finally:
            service.stop()
            thread.join()
            context.org.close()


def reset(data: Path, *, force_app: Path | None = None) -> None:
    """Empties the org in a data folder; its credentials stay. ServeError while it is being served."""
    with locked(data):
        context = open_context(data, f"http://{HOST}", force_app=force_app)
        context.jobs.clear()
        context.locators.clear()
        context.org.reset()
        context.restore()
        context.org.close()
