"""The numbers of a run, counted from the write log: every record under exactly one outcome per side."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import sqlalchemy as sa

from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import write_log

# The worst thing that happened to a record on a side is its outcome; the order is that of the plan's own sums.
_RANK = {"conflict": 6, "failed": 5, "held": 4, "moved": 4, "unknown": 4, "created": 3, "deleted": 2, "updated": 1}
_WORD = {6: "conflicts", 5: "failed", 4: "held", 3: "created", 2: "archived", 1: "updated"}
ADOPT = "adopt"  # the key given to a record born in Salesforce is part of its creation on the platform
WAITS_FOR_A_PERSON = ("UNDONE", "APPROVAL", "DOUBT")


@dataclass
class Counts:
    """``sides[mapping, side]``: created, updated, archived, held, failed; ``conflicts[mapping]``."""

    sides: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    conflicts: Counter[str] = field(default_factory=Counter)
    waiting: bool = False


def of_run(ledger: Ledger, run_id: str) -> Counts:
    """Counts what this run did and could not do."""
    w = write_log.c
    rank = sa.case(_RANK, value=w.result, else_=0)
    worst = (
        sa.select(w.mapping, w.side, w.key, sa.func.max(rank).label("rank"))
        .where(w.run_id == run_id, w.kind != ADOPT)
        .group_by(w.mapping, w.side, w.key)
        .subquery()
    )
    query = sa.select(worst.c.mapping, worst.c.side, worst.c.rank, sa.func.count()).group_by(
        worst.c.mapping, worst.c.side, worst.c.rank
    )
    waits = sa.select(sa.exists().where(w.run_id == run_id, w.result == "held", w.code.in_(WAITS_FOR_A_PERSON)))
    counts = Counts()
    with ledger.reading() as connection:
        for mapping, side, number, records in connection.execute(query):
            _add(counts, mapping, side, number, records)
        counts.waiting = bool(connection.scalar(waits))
    return counts


def _add(counts: Counts, mapping: str, side: str, number: int, records: int) -> None:
    word = _WORD.get(number)
    if word == "conflicts":
        counts.conflicts[mapping] = max(counts.conflicts[mapping], records)
    elif word:
        counts.sides[mapping, side][word] += records
