"""status: what the ledger knows, and nothing else. No frame, no connection to either side, no API call."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sfsync.ledger import glance

if TYPE_CHECKING:
    from sfsync.runs.bench import Bench

RUNS = 10


def status(bench: Bench) -> dict[str, Any]:
    """Per mapping: windows, lag, records known, open issues; the last runs; the API budget as last seen."""
    ledger = bench.ledger
    runs = ledger.last_runs(limit=RUNS)
    issues, known = glance.open_counts(ledger), glance.known(ledger)
    parts = {}
    for name in bench.outline:
        marks = {side: ledger.watermark(name, side) for side in ("platform", "salesforce")}
        parts[name] = {
            "known": known.get(name, 0),
            "windows": {side: _text(mark) for side, mark in marks.items()},
            "lag_s": _lag(bench.as_of, [m for m in marks.values() if m]),
            "last_run": next((r["run_id"] for r in runs if name in ((r["summary"] or {}).get("mappings") or {})), None),
            **issues.get(name, {"held": 0, "failed": 0, "conflicts": 0}),
        }
    remaining = next((r["summary"].get("api_remaining") for r in runs if r["summary"]), None)
    return {"as_of": _text(bench.as_of), "mappings": parts, "runs": [_run(r) for r in runs], "api_remaining": remaining}


def _run(row: dict[str, Any]) -> dict[str, Any]:
    summary = row["summary"] or {}
    names = ("run_id", "command", "actor", "started_at", "ended_at", "exit")
    return {n: row[n] for n in names} | {"api_calls": summary.get("api_calls"), "duration_s": summary.get("duration_s")}


def _lag(now: datetime, marks: list[datetime]) -> int | None:
    return int((now - min(marks)).total_seconds()) if marks else None


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")
