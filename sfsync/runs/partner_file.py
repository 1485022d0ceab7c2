"""One file of partner requests: how to import it, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sfsync.errors import Exit
from sfsync.planners.requests.refused import FileRefused
from sfsync.planners.requests.sheet import Sheet
from sfsync.planners.requests.validate import Judged


@dataclass(frozen=True)
class Options:
    """How to import. ``received``: T0, the receipt of the files (default: now)."""

    profile: str = "it"
    received: datetime | None = None
    force: bool = False
    dry_run: bool = False
    out: Path | None = None  # where result files go; default: receipts/ beside the configuration


@dataclass
class Imported:
    """What became of one file."""

    path: Path
    sha256: str
    exit: Exit = Exit.DONE
    rows: Sequence[dict[str, Any]] = ()
    counts: dict[str, int] = field(default_factory=dict)  # rows by outcome; outcomes nobody has are left out
    codes: tuple[str, ...] = ()
    refused: FileRefused | None = None
    run: str = ""
    taken: bool = False  # something of it was imported
    sheet: Sheet | None = None
    judged: Judged | None = None
    results: list[Path] = field(default_factory=list)  # files written for the sender and for admins

    def as_json(self) -> dict[str, Any]:
        """The document of ``--json``; its rows are made when they are written."""
        document: dict[str, Any] = {"file": str(self.path), "sha256": self.sha256, "exit": int(self.exit)}
        document |= {"rows": self.rows, "counts": self.counts, "codes": list(self.codes), "run": self.run}
        if self.refused is not None:
            said = {"code": self.refused.code, "message": self.refused.message, "next_step": self.refused.next_step}
            document["refused"] = said
        return document
