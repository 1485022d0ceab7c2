"""Log lines on stderr: a stable action word and fields; text for people, JSON for machines.

Only loggers of ours may say what they want to say, because they hold keys and field names only. Of a library's record
or warning, and of an error nobody caught in a thread, only the kind and the place are told: their texts may quote
URLs, parameters or rows.
"""

from __future__ import annotations

import json
import logging
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Lines(logging.Handler):
    """Writes one line per record."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        super().__init__(logging.ERROR if quiet else logging.INFO if as_json else logging.WARNING)
        self.as_json = as_json

    def emit(self, record: logging.LogRecord) -> None:
        """Action word and fields."""
        if record.name.partition(".")[0] == "sfsync":
            fields = {k: v for k, v in vars(record).items() if k not in _USUAL}
            self.line(record.getMessage(), record.levelname, fields | _error(record))
        elif record.levelno >= logging.WARNING:
            self.line("library", record.levelname, {"logger": record.name} | _error(record))

    def line(self, action: str, level: str, fields: dict[str, Any]) -> None:
        """The line, in the format asked for."""
        if self.as_json:
            click.echo(json.dumps({"action": action, "level": level.lower(), **fields}, default=str), err=True)
        else:
            click.echo(" ".join([action, *(f"{k}={v}" for k, v in fields.items())]), err=True)


def _error(record: logging.LogRecord) -> dict[str, str]:
    error = record.exc_info[1] if record.exc_info else None
    return {} if error is None else _kind(error)


def _kind(error: BaseException) -> dict[str, str]:
    """Type and place of an error, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return {"error": type(error).__name__, "at": place}


@contextmanager
def lines(*, as_json: bool, quiet: bool) -> Iterator[None]:
    """Everything that logs, warns or dies in a thread writes such lines until the end of the block."""
    handler = Lines(as_json=as_json, quiet=quiet)
    root, ours = logging.getLogger(), logging.getLogger("sfsync")
    level, hook = ours.level, threading.excepthook

    def warned(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
        if not quiet:
            handler.line("warning", "WARNING", {"kind": category.__name__, "at": f"{Path(filename).name}:{lineno}"})

    def died(args: threading.ExceptHookArgs) -> None:
        handler.line("thread.died", "ERROR", _kind(args.exc_value) if args.exc_value else {})

    with warnings.catch_warnings():
        warnings.showwarning = warned  # type: ignore[assignment]
        threading.excepthook = died
        root.addHandler(handler)
        ours.setLevel(logging.INFO)
        try:
            yield
        finally:
            root.removeHandler(handler)
            ours.setLevel(level)
            threading.excepthook = hook
