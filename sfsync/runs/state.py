"""status: what the ledger knows, and nothing else. No frame, no connection to either side, no API call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sfsync.errors import Exit
from sfsync.ledger import glance

if TYPE_CHECKING:
    from sfsync.runs.bench import Bench

RUNS = 10


def status(bench: Bench) -> dict[str, Any]:
    """Per mapping: windows, lag, records known, open issues; the last runs; the API budget as last seen."""
    ledger = bench.ledger
    runs = ledger.last_runs(limit=RUNS)
    issues, known = glance.open_counts(ledger), glance.known(ledger)
    late = glance.overdue(ledger, {n: bench.as_of - m.conflicts.deadline for n, m in bench.outline.items()})
    parts = {}
    for name in bench.outline:
        marks = {side: ledger.watermark(name, side) for side in ("platform", "salesforce")}
        parts[name] = {
            "known": known.get(name, 0),
            "windows": {side: _text(mark) for side, mark in marks.items()},
            "lag_s": _lag(bench.as_of, [m for m in marks.values() if m]),
            "last_run": next((r["run_id"] for r in runs if name in ((r["summary"] or {}).get("mappings") or {})), None),
            "compliance": _compliance(bench, name, marks["platform"], runs),
            **issues.get(name, {"held": 0, "failed": 0, "conflicts": 0}),
            "overdue": late.get(name, 0),
        }
    remaining = next((r["summary"].get("api_remaining") for r in runs if r["summary"]), None)
    return {"as_of": _text(bench.as_of), "mappings": parts, "runs": [_run(r) for r in runs], "api_remaining": remaining}


def late(found: dict[str, Any]) -> bool:
    """Does ``status`` raise the alarm: is a compliance change late, or may one be that nobody has seen?"""
    parts = [p["compliance"] for p in found["mappings"].values() if p["compliance"]]
    return any(p["late"] or p["unread_s"] for p in parts)


def _compliance(
    bench: Bench, name: str, read_until: datetime | None, runs: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """Changes of compliance fields that should be in Salesforce by now; None for a mapping without such fields.

    ``late`` records, the longest since ``oldest_s``; ``unread_s``: the last sync did not finish, and the platform's
    changes of so many seconds may hold flags nobody has seen.
    """
    fields = [f.name for f in bench.outline[name].synced if f.lane == "compliance"]
    if not fields:
        return None
    limit = bench.as_of - timedelta(minutes=bench.settings.budget.compliance_late)
    waiting = glance.compliance(bench.ledger, name, fields, limit)
    unread = read_until is not None and read_until < limit and _unfinished(runs)
    return {
        "late": waiting.records,
        "oldest_s": _lag(bench.as_of, [waiting.since] if waiting.since else []),
        "unread_s": _lag(bench.as_of, [read_until]) if read_until and unread else None,
    }


def _unfinished(runs: list[dict[str, Any]]) -> bool:
    """Did the last sync end before it had written what it could?"""
    last = next((r["exit"] for r in runs if r["command"] == "sync"), None)
    return last is not None and last not in (Exit.DONE, Exit.REFUSED_ROWS, Exit.WAITING)


def _run(row: dict[str, Any]) -> dict[str, Any]:
    summary = row["summary"] or {}
    names = ("run_id", "command", "actor", "started_at", "ended_at", "exit")
    return {n: row[n] for n in names} | {"api_calls": summary.get("api_calls"), "duration_s": summary.get("duration_s")}


def _lag(now: datetime, marks: list[datetime]) -> int | None:
    return int((now - min(marks)).total_seconds()) if marks else None


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")
