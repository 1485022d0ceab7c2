"""What a sweep tells people: an internal comment on the case, and a notice in the outbox. Each leaves once.

The key of a rung (case, episode, what) is in the comment and is the name of the notice's file, so a sweep that was
killed in between finds what has left already. Nothing here reaches a customer, and nothing holds a customer's data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sfsync.faultpoints import hit
from sfsync.ledger import sla as memory
from sfsync.planners.sla import gates, recovery, repeats
from sfsync.planners.sla.make import HARMED, RESUMED, WAIVED
from sfsync.planners.sla.policy import Policy
from sfsync.runs import sla_recovery, sla_tasks
from sfsync.runs.bench import Bench
from sfsync.sides.salesforce.happened import MARK

LEVELS = {"L2_prealert": 2, "L2": 2, "L3": 3, "L4": 4, HARMED: 2, gates.RUNG: 2}
SAID_ONLY = (repeats.PREFIX, WAIVED)  # nobody is called for these
Rung = dict[str, Any]


def tell(bench: Bench, policies: Mapping[str, Policy], run_id: str) -> int:
    """Comments, notices, tasks and proposals of everything that has not been told; returns how much left.

    ``policies`` by version: each rung by its case's own.
    """
    rungs = memory.untold(bench.ledger)
    if not rungs:
        return 0
    newest = list(policies.values())[-1]
    wanted = [(r, policies.get(r["policy_version"], newest)) for r in rungs]
    sla_recovery.propose(bench, [w for w in wanted if w[0]["rung"].startswith(recovery.PREFIX)])
    sla_tasks.ask(bench, [(r, _mark(r)) for r in rungs if r["rung"].startswith(RESUMED)])
    have = _commented(bench, [r["case_id"] for r in rungs])
    bench.salesforce.comment([(r["case_id"], _comment(p, r)) for r, p in wanted if _mark(r) not in have])
    hit("sla.commented")
    for rung, policy in wanted:
        if not rung["rung"].startswith(SAID_ONLY):
            _put(outbox(bench), _notice(policy, rung, run_id))
    memory.told(bench.ledger, rungs, bench.as_of)
    return len(rungs)


def outbox(bench: Bench) -> Path:
    """The folder of notices; whoever sends them takes the files away."""
    return bench.settings.ledger.folder / "outbox"


def _mark(rung: Rung) -> str:
    return f"{MARK}{rung['case_id']} {rung['episode']} {rung['rung']}]"


def _commented(bench: Bench, ids: list[str]) -> set[str]:
    """The marks of rungs that have their comment."""
    texts = bench.salesforce.own_comments(sorted(set(ids)))
    return {text[text.rindex(MARK) :].strip() for text in texts if MARK in text}


def _level(rung: Rung) -> str:
    what = rung["rung"]
    return f"L{LEVELS.get(what, 2 if what.startswith(recovery.PREFIX) else 1)}"


def _owner(policy: Policy, rung: Rung) -> str:
    return str(getattr(policy.paths[rung["path"]], _level(rung)))


def _addressee(policy: Policy, rung: Rung) -> str:
    """Where the level is outside the company, somebody inside is told."""
    spec = policy.paths[rung["path"]]
    return str(spec.inform) if spec.outside == _level(rung) and spec.inform else _owner(policy, rung)


def _comment(policy: Policy, rung: Rung) -> str:
    return f"{_said(policy, rung)} {_mark(rung)}"


def _said(policy: Policy, rung: Rung) -> str:
    what, at = rung["rung"], rung["reached_at"]
    if what.startswith(RESUMED):
        return f"The pause came to its limit at {at}; the clocks run again. Contact the requester, or solve the case."
    if what == "L2_prealert":
        return f"Pre-alert to {_owner(policy, rung)} since {at}: without progress the case goes there shortly."
    if what == HARMED:
        return f"Words of harm since {at}: path {rung['path']} ({_owner(policy, rung)}). Read the case now."
    if what.startswith(recovery.PREFIX):
        return sla_recovery.sentence(what.removeprefix(recovery.PREFIX), rung["reason"], at)
    if what == gates.RUNG:
        return f"Closed too early: {gates.sentence(rung['reason'])}. Complete it, or open the case again."
    if what.startswith(repeats.PREFIX):
        return f"The requester asked again, {rung['reason']} times by now; those cases are linked below this one."
    if what.startswith(WAIVED):
        return f"The breach of {what.removeprefix(WAIVED)} at {at} is waived: {rung['reason']}. The level stays."
    said = f"Escalated to {what} ({_owner(policy, rung)}) on path {rung['path']} at {at}: {rung['reason']}."
    if policy.paths[rung["path"]].outside == _level(rung):
        said += f" Open a reference there; the case keeps its owner, {_addressee(policy, rung)} is informed."
    return said


def _notice(policy: Policy, rung: Rung, run_id: str) -> dict[str, Any]:
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
