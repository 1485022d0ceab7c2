"""The numbers of a run, counted from the write log: every record under exactly one outcome per side."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import sqlalchemy as sa

from sfsync.ledger import history
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import write_log

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
    w, counts = write_log.c, Counts()
    mine = w.run_id == run_id, w.kind != ADOPT
    with ledger.reading() as connection:
        sides = connection.execute(sa.select(w.mapping, w.side).where(*mine).distinct()).all()
        for mapping, side in sorted((str(m), str(s)) for m, s in sides):
            for rank, records in history.worst(connection, *mine, w.mapping == mapping, w.side == side).items():
                _add(counts, mapping, side, rank, records)
        said = {(result, code) for _, _, result, code in history.sums(connection, w.run_id == run_id)}
    counts.waiting = any(("held", code) in said for code in WAITS_FOR_A_PERSON)
    return counts


def _add(counts: Counts, mapping: str, side: str, number: int, records: int) -> None:
    word = _WORD.get(number) if records else None
    if word == "conflicts":
        counts.conflicts[mapping] = max(counts.conflicts[mapping], records)
    elif word:
        counts.sides[mapping, side][word] += records
