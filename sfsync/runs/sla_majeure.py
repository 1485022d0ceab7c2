"""Force majeure: declared by one person, approved by another, ended when it is over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sfsync.errors import ConfigError
from sfsync.ledger import majeure
from sfsync.planners.sla.words import TIERS
from sfsync.runs.bench import Bench
from sfsync.runs.sla_enforce import policies_of

_LIST = "See what there is: sfsync sla majeure list"


def declare(
    bench: Bench,
    begins: datetime,
    ends: datetime | None,
    *,
    tiers: tuple[str, ...],
    queues: tuple[str, ...],
    reason: str,
    approver: str,
) -> str:
    """Keeps a declaration; raises ``ConfigError`` SLA_MAJEURE for a scope or a time that cannot be."""
    known = {q for policy in policies_of(bench) for p in policy.paths.values() for q in (p.L1, p.L2, p.L3, p.L4)}
    unknown = sorted({*tiers} - {*TIERS}) + sorted({*queues} - known)
    if unknown:
        step = f"Tiers are {', '.join(TIERS)}; queues are those of the policy's paths (sfsync sla policy)."
        raise ConfigError(f"there is no tier or queue {unknown[0]}", "SLA_MAJEURE", "", step)
    if ends is not None and ends <= begins:
        raise ConfigError("it ends before it begins", "SLA_MAJEURE", "", "Give an --until after --from.")
    if approver.strip().lower() == bench.actor.lower():
        step = "Name in --approver the person who approved it."
        raise ConfigError("who declares it cannot approve it", "SLA_MAJEURE", approver, step)
    scope: dict[str, Any] = {"tiers": tiers, "queues": queues, "reason": reason, "approver": approver}
    return majeure.declare(bench.ledger, begins, ends, **scope, actor=bench.actor)


def end(bench: Bench, majeure_id: str) -> None:
    """It ends at ``bench.as_of``."""
    if not majeure.end(bench.ledger, majeure_id, bench.as_of, bench.actor):
        raise ConfigError("there is no such force majeure", "SLA_MAJEURE", majeure_id, _LIST)


def declared(bench: Bench) -> list[dict[str, Any]]:
    """All of them, in the order in which they begin."""
    return majeure.declared(bench.ledger)
