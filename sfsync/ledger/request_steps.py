"""How far partner requests have come: where they stand, the plans that were frozen, what the platform answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Table
from sqlalchemy.engine import Connection

from sfsync.faultpoints import hit
from sfsync.ledger import audit, database
from sfsync.ledger.request_tables import mirror, op, request
from sfsync.ledger.requests import Row
from sfsync.ledger.store import Ledger


def stand(ledger: Ledger, rows: Iterable[Row]) -> None:
    """Writes where requests stand: rows with case_key and what changes of ``request``."""
    todo = list(rows)
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        moves = [{"k": r["case_key"], "state_": r["state"]} for r in todo if "state" in r]
        if moves:
            moved = sa.and_(request.c.case_key == sa.bindparam("k"), request.c.state != sa.bindparam("state_"))
            connection.execute(request.update().where(moved).values(since=now), moves)
        _change(connection, request, request.c.case_key, todo)


def _change(connection: Connection, table: Table, key: sa.Column[Any], rows: Sequence[Row]) -> None:
    """Changes rows by their key; each names the columns it changes. One statement for rows that change the same."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(n for n in row if n != key.name), []).append(row)
    for names, some in groups.items():
        statement = table.update().where(key == sa.bindparam("k")).values({n: sa.bindparam(f"to_{n}") for n in names})
        connection.execute(statement, [{"k": r[key.name], **{f"to_{n}": r[n] for n in names}} for r in some])


@dataclass(frozen=True)
class Begin:
    """A plan to freeze: its hash, and its ops (rows without case, state and run)."""

    case_key: str
    plan_hash: str
    ops: Sequence[Row]


def begin(ledger: Ledger, plans: Sequence[Begin], run_id: str, actor: str) -> None:
    """Freezes plans: from here on these ops are what is done, and their approvals are used up."""
    if not plans:
        return
    with ledger.writing() as connection:
        rows = [{**o, "case_key": p.case_key, "state": "waiting", "run_id": ""} for p in plans for o in p.ops]
        if rows:
            database.upsert(connection, op, {n: [r[n] for r in rows] for n in rows[0]}, update={})
        begun = [{"case_key": p.case_key, "plan_hash": p.plan_hash} for p in plans]
        _change(connection, request, request.c.case_key, begun)
        for plan in plans:
            details = {"case_key": plan.case_key, "plan_hash": plan.plan_hash, "ops": len(plan.ops)}
            audit.append_in(ledger, connection, "request.begin", details, run_id=run_id, actor=actor)
    audit.anchor(ledger)
    hit("requests.begun")


def told(ledger: Ledger, rows: Iterable[Row]) -> None:
    """What the platform's outbox says of ops: rows with request_key and state, requested_at, answered_at, run_id."""
    with ledger.writing() as connection:
        _change(connection, op, op.c.request_key, list(rows))


def mirrored(ledger: Ledger, steps: Sequence[tuple[str, int]], run_id: str) -> None:
    """Salesforce steps (case key, number) are written."""
    if not steps:
        return
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        rows: dict[str, list[Any]] = {"case_key": [k for k, _ in steps], "number": [n for _, n in steps]}
        rows |= {"run_id": [run_id] * len(steps), "at": [now] * len(steps)}
        database.upsert(connection, mirror, rows, update={})
