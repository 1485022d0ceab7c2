"""What an escalation tells people: an internal comment on the case, and a notice in the outbox. Each leaves once.

The key of a rung (case, episode, level) is in the comment and is the name of the notice's file, so a sweep that was
killed in between finds what has left already. Nothing here reaches a customer, and nothing holds a customer's data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sfsync.faultpoints import hit
from sfsync.ledger import sla as memory
from sfsync.planners.sla.make import HARMED, RESUMED
from sfsync.planners.sla.policy import Policy
from sfsync.runs.bench import Bench

LEVELS = {"L2_prealert": 2, "L2": 2, "L3": 3, "L4": 4, HARMED: 2}


def tell(bench: Bench, policies: Mapping[str, Policy], run_id: str) -> int:
    """Comments and notices of all rungs that have not been told; returns how many left.

    ``policies`` by version: each rung by its case's own.
    """
    rungs = memory.untold(bench.ledger)
    if not rungs:
        return 0
    newest = list(policies.values())[-1]
    have = _commented(bench, [r["case_id"] for r in rungs])
    wanted = [(r, policies.get(r["policy_version"], newest)) for r in rungs]
    bench.salesforce.comment([(r["case_id"], _comment(p, r)) for r, p in wanted if _mark(r) not in have])
    hit("sla.commented")
    for rung, policy in wanted:
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


def _level(rung: dict[str, Any]) -> str:
    return f"L{LEVELS.get(rung['rung'], 1)}"


def _owner(policy: Policy, rung: dict[str, Any]) -> str:
    return str(getattr(policy.paths[rung["path"]], _level(rung)))


def _addressee(policy: Policy, rung: dict[str, Any]) -> str:
    """Where the level is outside the company, somebody inside is told."""
    spec = policy.paths[rung["path"]]
    return str(spec.inform) if spec.outside == _level(rung) and spec.inform else _owner(policy, rung)


def _comment(policy: Policy, rung: dict[str, Any]) -> str:
    at = rung["reached_at"]
    if rung["rung"].startswith(RESUMED):
        said = f"The pause came to its limit at {at}; the clocks run again. Contact the requester, or solve the case."
    elif rung["rung"] == "L2_prealert":
        said = f"Pre-alert to {_owner(policy, rung)} since {at}: without progress the case goes there shortly."
    elif rung["rung"] == HARMED:
        said = f"Words of harm since {at}: path {rung['path']} ({_owner(policy, rung)}). Read the case now."
    else:
        said = f"Escalated to {rung['rung']} ({_owner(policy, rung)}) on path {rung['path']} at {at}: {rung['reason']}."
        if policy.paths[rung["path"]].outside == _level(rung):
            said += f" Open a reference there; the case keeps its owner, {_addressee(policy, rung)} is informed."
    return f"{said} {_mark(rung)}"


def _notice(policy: Policy, rung: dict[str, Any], run_id: str) -> dict[str, Any]:
    names = ("case_id", "key", "episode", "rung", "path", "reason", "reached_at", "processed_at")
    return {**{n: rung[n] for n in names}, "to": _addressee(policy, rung), "run": run_id}


def _put(folder: Path, notice: dict[str, Any]) -> None:
    """Once: a file of that name may be there, or taken away and sent already; then ``told_at`` says so."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{notice['case_id']}-{notice['episode']}-{notice['rung']}.json"
    if path.exists():
        return
    part = path.with_suffix(".part")
    part.write_text(json.dumps(notice, sort_keys=True) + "\n", "utf-8")
    part.replace(path)
