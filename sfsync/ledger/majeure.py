"""Force majeure as it was declared: from when, until when, for whom, why, and who approved it (policy C.4, rule 7).

Each declaration and each end wakes the cases that are not over: the next sweep computes them anew.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sfsync.ledger import audit, database
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import sla_case, sla_majeure


def declare(
    ledger: Ledger,
    begins: datetime,
    ends: datetime | None,
    *,
    tiers: Sequence[str],
    queues: Sequence[str],
    reason: str,
    approver: str,
    actor: str,
) -> str:
    """Keeps a declaration, with its line in the audit trail; returns its id. No tier or queue named: all of them."""
    row = {
        "majeure_id": f"FM-{secrets.token_hex(4)}",
        "from_at": database.text_of(begins),
        "until_at": None if ends is None else database.text_of(ends),
        "tiers": json.dumps(sorted(tiers)),
        "queues": json.dumps(sorted(queues)),
        "reason": reason,
        "approver": approver,
        "made_by": actor,
    }
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        connection.execute(sla_majeure.insert().values(**row, made_at=now))
        _wake(connection, str(row["from_at"]))
        audit.append_in(ledger, connection, "sla.majeure", row, run_id=None, actor=actor)
    audit.anchor(ledger)
    return str(row["majeure_id"])


def end(ledger: Ledger, majeure_id: str, at: datetime, actor: str) -> bool:
    """Ends one that goes on, or ends it earlier or later; False if there is none of this name."""
    c, until = sla_majeure.c, database.text_of(at)
    with ledger.writing() as connection:
        before = connection.execute(sa.select(c.until_at).where(c.majeure_id == majeure_id)).first()
        if before is None:
            return False
        connection.execute(sla_majeure.update().where(c.majeure_id == majeure_id).values(until_at=until))
        _wake(connection, min(until, before[0] or until))
        body = {"majeure_id": majeure_id, "until_at": until, "before": before[0]}
        audit.append_in(ledger, connection, "sla.majeure.end", body, run_id=None, actor=actor)
    audit.anchor(ledger)
    return True


def declared(ledger: Ledger) -> list[dict[str, Any]]:
    """All declarations in the order in which they begin; ``tiers`` and ``queues`` as lists, empty: all."""
    query = sa.select(sla_majeure).order_by(sla_majeure.c.from_at, sla_majeure.c.majeure_id)
    with ledger.reading() as connection:
        rows = [dict(r) for r in connection.execute(query).mappings()]
    return [r | {n: json.loads(r[n]) for n in ("tiers", "queues")} for r in rows]


def _wake(connection: sa.Connection, at: str) -> None:
    c = sla_case.c
    connection.execute(sla_case.update().where(c.next_at > at).values(next_at=at))
