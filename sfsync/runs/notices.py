"""What an escalation tells people: an internal comment on the case, and a notice in the outbox. Each leaves once.

The key of a rung (case, episode, level) is in the comment and is the name of the notice's file, so a sweep that was
killed in between finds what has left already. Nothing here reaches a customer, and nothing holds a customer's data.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sfsync.ledger import sla as memory
from sfsync.planners.sla.make import RESUMED
from sfsync.planners.sla.policy import Policy
from sfsync.runs.bench import Bench

LEVELS = {"L2_prealert": 2, "L2": 2, "L3": 3, "L4": 4}


def tell(bench: Bench, policy: Policy, run_id: str) -> int:
    """Comments and notices of all rungs that have not been told; returns how many left."""
    rungs = memory.untold(bench.ledger)
    if not rungs:
        return 0
    have = _commented(bench, [r["case_id"] for r in rungs])
    wanted = [r for r in rungs if _mark(r) not in have]
    bench.salesforce.comment([(r["case_id"], _comment(policy, r)) for r in wanted])
    for rung in rungs:
        _put(outbox(bench), _notice(policy, rung, run_id))
    memory.told(bench.ledger, rungs, bench.as_of)
    return len(rungs)


def outbox(bench: Bench) -> Path:
    """The folder of notices; whoever sends them takes the files away."""
    return bench.settings.ledger.folder / "outbox"


def _mark(rung: dict[str, Any]) -> str:
    return f"[sfsync {rung['case_id']} {rung['episode']} {rung['rung']}]"


def _commented(bench: Bench, ids: list[str]) -> set[str]:
    """The marks of rungs that have their comment."""
    texts = bench.salesforce.own_comments(sorted(set(ids)))
    return {text[text.rindex("[sfsync ") :].strip() for text in texts if "[sfsync " in text}


def _owner(policy: Policy, rung: dict[str, Any]) -> str:
    spec = policy.paths[rung["path"]]
    return str(getattr(spec, f"L{LEVELS.get(rung['rung'], 1)}"))


def _comment(policy: Policy, rung: dict[str, Any]) -> str:
    at = rung["reached_at"]
    if rung["rung"] == RESUMED:
        said = f"The pause came to its limit at {at}; the clocks run again. Contact the requester, or solve the case."
    elif rung["rung"] == "L2_prealert":
        said = f"Pre-alert to {_owner(policy, rung)} since {at}: without progress the case goes there shortly."
    else:
        said = f"Escalated to {rung['rung']} ({_owner(policy, rung)}) on path {rung['path']} at {at}: {rung['reason']}."
    return f"{said} {_mark(rung)}"


def _notice(policy: Policy, rung: dict[str, Any], run_id: str) -> dict[str, Any]:
    names = ("case_id", "key", "episode", "rung", "path", "reason", "reached_at", "processed_at")
    return {**{n: rung[n] for n in names}, "to": _owner(policy, rung), "run": run_id}


def _put(folder: Path, notice: dict[str, Any]) -> None:
    """Once: a file of that name may be there, or taken away and sent already; then ``told_at`` says so."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{notice['case_id']}-{notice['episode']}-{notice['rung']}.json"
    if path.exists():
        return
    part = path.with_suffix(".part")
    part.write_text(json.dumps(notice, sort_keys=True) + "\n", "utf-8")
    part.replace(path)
