"""Opens what a command works with, from the options of the main command."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfsync.cli.options import now

if TYPE_CHECKING:
    from sfsync.cli.progress import Progress
    from sfsync.runs.bench import Bench


def open_bench(obj: dict[str, Any], as_of: datetime | None) -> Bench:
    """The bench of this command; the clock is read here and nowhere else."""
    from sfsync.runs.bench import Bench

    return Bench.open(Path(obj["config"]) if obj.get("config") else None, now(as_of))


def open_progress(obj: dict[str, Any]) -> Progress:
    """Progress as the main command's options want it."""
    from sfsync.cli.progress import Progress

    return Progress(quiet=bool(obj.get("quiet")), log_format=str(obj.get("log_format", "text")))
