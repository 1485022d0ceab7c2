"""Conflicts: cells both sides changed, and what a person said about exactly these two values.

A conflict's id is made of mapping, key, field and the two digests, so the same conflict met again is the same
conflict. A decision sticks to the two values: if either side changes, it is another conflict and asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Literal

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sfsync.errors import ConfigError
from sfsync.ledger import audit, database
from sfsync.ledger.digest import hexed
from sfsync.ledger.issues import column
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import conflict
from sfsync.sides.side import TEXT

OPEN, DECIDED, CLOSED = "open", "decided", "closed"
KEEP, PLATFORM, SALESFORCE = 1, 2, 3  # whose value wins; KEEP leaves both as they are
_CODES = {"keep": KEEP, "platform": PLATFORM, "salesforce": SALESFORCE}
_GIVEN = ("platform_digest", "salesforce_digest")
_STAMPS = ("platform_stamp", "salesforce_stamp")


def meet(ledger: Ledger, run_id: str, mapping: str, seen: Iterable[str], found: pd.DataFrame) -> None:
    """Of the keys looked at, these cells are in conflict now; their other open conflicts are over.

    ``found``: one row per cell: ``key``, ``field``, ``platform_digest`` and ``salesforce_digest`` (uint64),
    ``platform_stamp`` and ``salesforce_stamp`` (text or null). A conflict met again keeps its ``since`` and decision.
    """
    rows = _rows(mapping, found)
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        kept = set(rows["conflict_id"])
        for some in database.chunks(sorted(set(seen))):
            which = conflict.c.mapping == mapping, conflict.c.state == OPEN
            known = sa.select(conflict.c.conflict_id).where(*which, database.within(connection, conflict.c.key, some))
            _close_in(connection, sorted(set(connection.scalars(known)) - kept))
        _put(connection, rows, run_id, now, {"state": OPEN})


def accept(ledger: Ledger, run_id: str, mapping: str, found: pd.DataFrame, by: str) -> None:
    """Leave these differences as they are (automation changed what was written): decided ``keep`` without asking."""
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        said = {"state": DECIDED, "decision": "keep", "decided_by": by, "decided_at": now}
        _put(connection, _rows(mapping, found), run_id, now, said)


def _rows(mapping: str, found: pd.DataFrame) -> dict[str, Sequence[Any]]:
    texts = {"key": column(found, "key"), "field": column(found, "field")}
    digests = {n: hexed(found[n].to_numpy(np.uint64)) for n in _GIVEN}
    named = zip(*texts.values(), *digests.values(), strict=True)
    ids = ["C-" + sha256("\0".join([mapping, *map(str, cell)]).encode()).hexdigest()[:16] for cell in named]
    stamps = {n: column(found, n) for n in _STAMPS}
    return {"conflict_id": ids, "mapping": [mapping] * len(ids), **texts, **digests, **stamps}


def _put(connection: Connection, rows: dict[str, Sequence[Any]], run_id: str, now: str, said: dict[str, str]) -> None:
    count = len(rows["conflict_id"])
    fixed = {"since": now, "run_id": run_id, **said}
    update: dict[str, Any] = {n: database.new(conflict, n) for n in (*_STAMPS, "run_id", *said)}
    if said["state"] == OPEN:  # a decision stays; one that was closed opens again
        update["state"] = sa.case((conflict.c.decision.is_not(None), DECIDED), else_=OPEN)
    columns = {**rows, **{n: [v] * count for n, v in fixed.items()}}
    database.upsert(connection, conflict, columns, update)


def decisions(
    ledger: Ledger, mapping: str, columns: Sequence[str], keys: pd.Index, platform: np.ndarray, salesforce: np.ndarray
) -> np.ndarray:
    """What was said about exactly these values: int8 n x f, 0 nothing, else KEEP 1, PLATFORM 2, SALESFORCE 3.

    ``platform`` and ``salesforce`` are digests, uint64 n x f, rows as in ``keys``. The codes are the merge's actions:
    the platform's value wins = write it to Salesforce.
    """
    said = np.zeros((len(keys), len(columns)), np.int8)
    rows = _decided(ledger, mapping, keys)
    row, col = keys.get_indexer(rows["key"]), pd.Index(columns).get_indexer(rows["field"])
    there = (row >= 0) & (col >= 0)
    rows, row, col = rows[there], row[there], col[there]
    same = (_unhexed(rows["platform_digest"]) == platform[row, col]) & (
        _unhexed(rows["salesforce_digest"]) == salesforce[row, col]
    )
    said[row[same], col[same]] = rows["decision"].map(_CODES).to_numpy(np.int8)[same]
    return said


def _decided(ledger: Ledger, mapping: str, keys: pd.Index) -> pd.DataFrame:
    names = ("key", "field", "platform_digest", "salesforce_digest", "decision")
    rows: list[Any] = []
    with ledger.reading() as connection:
        for some in database.chunks(list(keys)):
            query = sa.select(*[conflict.c[n] for n in names])
            query = query.where(conflict.c.mapping == mapping, conflict.c.state == DECIDED)
            rows += connection.execute(query.where(database.within(connection, conflict.c.key, some))).all()
    return pd.DataFrame([tuple(r) for r in rows], columns=list(names), dtype=object)


def _unhexed(digests: pd.Series) -> np.ndarray:
    return np.frombuffer(bytes.fromhex("".join(digests)), ">u8").astype(np.uint64)


def conflicts(
    ledger: Ledger, mapping: str | None = None, *, state: str | None = OPEN, key: str | None = None
) -> pd.DataFrame:
    """Conflicts, oldest first: all columns of the table (digests as 16 hexadecimal digits). ``state`` None: all."""
    query = sa.select(conflict).order_by(conflict.c.since, conflict.c.conflict_id)
    for name, value in (("mapping", mapping), ("state", state), ("key", key)):
        if value is not None:
            query = query.where(conflict.c[name] == value)
    with ledger.reading() as connection:
        rows = [tuple(r) for r in connection.execute(query)]
    return pd.DataFrame(rows, columns=list(conflict.c.keys())).astype(TEXT)


def get(ledger: Ledger, conflict_id: str) -> dict[str, Any]:
    """One conflict; raises ``ConfigError`` CONFLICT_UNKNOWN."""
    with ledger.reading() as connection:
        return _get_in(connection, conflict_id)


def _get_in(connection: Connection, conflict_id: str) -> dict[str, Any]:
    row = connection.execute(sa.select(conflict).where(conflict.c.conflict_id == conflict_id)).mappings().first()
    if row is None:
        raise ConfigError("there is no such conflict", "CONFLICT_UNKNOWN", conflict_id, "See: sfsync conflicts")
    return dict(row)


def decide(ledger: Ledger, conflict_id: str, decision: Literal["platform", "salesforce", "keep"], actor: str) -> None:
    """Say whose value wins; the next run does it. Raises ``ConfigError`` if the conflict is unknown or over."""
    with ledger.writing() as connection:
        row = _get_in(connection, conflict_id)
        if row["state"] == CLOSED or decision not in _CODES:
            step = "See what is open: sfsync conflicts"
            raise ConfigError("this conflict is over", "CONFLICT_CLOSED", conflict_id, step)
        said = {"state": DECIDED, "decision": decision, "decided_by": actor}
        said["decided_at"] = database.text_of(database.clock(connection))
        connection.execute(conflict.update().where(conflict.c.conflict_id == conflict_id).values(**said))
        details = {"conflict_id": conflict_id, "mapping": row["mapping"], "key": row["key"], "field": row["field"]}
        details["decision"] = decision
        audit.append_in(ledger, connection, "conflicts.decide", details, run_id=None, actor=actor)
    audit.anchor(ledger)


def close_cells_in(
    connection: Connection, mapping: str, keys: pd.Index, columns: Sequence[str], touched: np.ndarray
) -> None:
    """These cells were written (bool n x f, rows as in ``keys``): their conflicts are over."""
    over: list[str] = []
    for some in database.chunks(list(keys)):
        which = conflict.c.mapping == mapping, conflict.c.state != CLOSED
        query = sa.select(conflict.c.conflict_id, conflict.c.key, conflict.c.field).where(*which)
        for conflict_id, key, field in connection.execute(
            query.where(database.within(connection, conflict.c.key, some))
        ):
            if field in columns and touched[keys.get_loc(key), columns.index(field)]:
                over.append(conflict_id)
    _close_in(connection, over)


def _close_in(connection: Connection, ids: Sequence[str]) -> None:
    for some in database.chunks(ids):
        which = database.within(connection, conflict.c.conflict_id, some)
        connection.execute(conflict.update().where(which).values(state=CLOSED))
