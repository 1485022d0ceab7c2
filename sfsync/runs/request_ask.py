"""What requests ask of the platform: rows of its outbox, each once, and what it has answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sfsync.ledger import database, request_tables, requests, sealed
from sfsync.planners.requests.life.words import Sent, State, Trail
from sfsync.runs.bench import Bench
from sfsync.runs.request_view import Seen


def rows(bench: Bench, seen: Sequence[Seen]) -> list[dict[str, Any]]:
    """New rows of the outbox for the ops whose turn it is."""
    wanted: list[tuple[Seen, list[Sent]]] = []
    for one in seen:
        open_ = [s for s in one.trail.sent if s.state == "waiting" and (s.number in one.standing.next or s.number < 0)]
        if one.standing.state in (State.RUNNING, State.UNDOING) and open_:
            wanted.append((one, open_))
    kept = requests.rows_of(bench.ledger, request_tables.op, [one.key for one, _ in wanted])
    bodies = {o["request_key"]: o["sealed"] for some in kept.values() for o in some}
    return [row for one, ops in wanted for row in _outgoing(bench, one, ops, bodies)]


def _outgoing(bench: Bench, one: Seen, ops: Sequence[Sent], bodies: dict[str, bytes]) -> list[dict[str, Any]]:
    approved = sorted({m.by for m in one.trail.marks if m.approve and m.plan_hash == one.trail.plan_hash})
    return [
        {
            "request_key": op.key,
            "case_key": one.key,
            "kind": op.kind,
            "target_key": op.target,
            "payload": json.dumps(sealed.unseal(bench.ledger, one.key, bodies[op.key]), sort_keys=True),
            "requested_by": one.request.requester[:120],
            "approved_by": ", ".join(approved)[:240] or None,
            "state": "requested",
            "requested_at": bench.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for op in ops
    ]


def told(trail: Trail) -> Iterable[dict[str, Any]]:
    """What the platform's outbox says, for lists that do not ask it."""
    for sent in trail.sent:
        if sent.state != "waiting":
            times = {n: getattr(sent, n) for n in ("requested_at", "answered_at")}
            text = {n: database.text_of(t) if t else None for n, t in times.items()}
            yield {"request_key": sent.key, "state": sent.state, **text}
