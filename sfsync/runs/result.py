"""How a run ended: its numbers (from the ledger), its findings and the exit status people script against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sfsync.errors import Exit
from sfsync.plan.model import Count, Header, Note

SENTENCES = {
    Exit.DONE: "done",
    Exit.REFUSED_ROWS: "done, but rows were refused: sfsync failures",
    Exit.WAITING: "done, but something waits for a person: sfsync conflicts, sfsync holds",
    Exit.BUDGET: "stopped at the API budget; the next run goes on from here",
}


def numbers(read: dict[str, int], salesforce: Count, platform: Count, conflicts: int) -> dict[str, Any]:
    """One mapping's part of a result."""
    return {
        "read": read,
        "salesforce": salesforce.model_dump(),
        "platform": platform.model_dump(),
        "conflicts": conflicts,
    }


def planned_numbers(header: Header) -> dict[str, dict[str, Any]]:
    """Every mapping's part of a result as the plan expects it."""
    return {n: numbers(p.read, p.salesforce, p.platform, p.conflicts) for n, p in header.mappings.items()}


@dataclass
class Result:
    """The outcome of one run, as ``sync --json`` shows it."""

    run: str
    as_of: datetime
    exit: Exit = Exit.DONE
    api_calls: int = 0
    api_remaining: int | None = None
    api_forecast: int | None = None  # calls the plan expected its writes to take; None where there was no plan
    api_planning: int = 0  # calls made before the first write
    duration_s: float = 0.0
    mappings: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: list[Note] = field(default_factory=list)

    def sentence(self) -> str:
        """The end in words."""
        wrote = sum(
            part[side][what]
            for part in self.mappings.values()
            for side in ("salesforce", "platform")
            for what in ("created", "updated", "archived")
        )
        head = f"{wrote:,} records written" if wrote else "nothing to write"
        return f"{head}; {SENTENCES.get(self.exit, self.exit.name.lower())}"

    def as_json(self) -> dict[str, Any]:
        """The document of ``--json``."""
        return {
            "run": self.run,
            "as_of": self.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "exit": int(self.exit),
            "api_calls": self.api_calls,
            "api_remaining": self.api_remaining,
            "api_forecast": self.api_forecast,
            "api_planning": self.api_planning,
            "duration_s": round(self.duration_s, 3),
            "mappings": self.mappings,
            "findings": [f.model_dump() for f in self.findings],
        }


def exit_status(mappings: Iterable[dict[str, Any]], *, waiting: bool = False, stopped: bool = False) -> Exit:
    """The exit status of a finished run: the budget first, then what waits for a person, then refused rows."""
    parts = list(mappings)
    if stopped:
        return Exit.BUDGET
    if any(p[side]["failed"] for p in parts for side in ("salesforce", "platform")):
        return Exit.REFUSED_ROWS
    if waiting or any(p["conflicts"] for p in parts):
        return Exit.WAITING
    return Exit.DONE
