"""Conflicts: cells both sides changed, and what was said about exactly these two values.

A conflict's id is made of mapping, key, field and the two digests, so the same conflict met again is the same
conflict. A decision sticks to the two values: if either side changes, it is another conflict and asks again.

ONCE ONLY. A conflict is *open*, then *decided*, then *applying* (claimed by the batch that writes it, before that
batch's intent is opened), then *closed*, in the transaction that records the outcome. A batch that was not written
gives its claim back. Closed is over: if the same two values stand against each other again, nobody has decided that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sfsync.errors import ConfigError
from sfsync.ledger import audit, database, rules
from sfsync.ledger.digest import hexed
from sfsync.ledger.issues import column
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import conflict
from sfsync.sides.side import TEXT

OPEN, DECIDED, APPLYING, CLOSED = "open", "decided", "applying", "closed"
SAID = (DECIDED, APPLYING)
KEEP, PLATFORM, SALESFORCE = 1, 2, 3  # whose value wins; KEEP leaves both as they are
CODES = {"keep": KEEP, "platform": PLATFORM, "salesforce": SALESFORCE}
IN_DOUBT = "IN_DOUBT"  # a lost reply hides what became of our value
NOT_KEPT = "NOT_KEPT"  # the org did not keep an opt-out as it was written; every run writes it again
FOR_PEOPLE = (IN_DOUBT, NOT_KEPT)  # the kinds that neither a rule nor a deadline decides
NAMED = 100  # ids an audit line names
_GIVEN = ("platform_digest", "salesforce_digest")
_STAMPS = ("platform_stamp", "salesforce_stamp")
_ANSWER = ("decision", "decided_by", "decided_at")


def meet(ledger: Ledger, run_id: str, mapping: str, seen: Iterable[str], found: pd.DataFrame) -> None:
    """Of the keys looked at, these cells are in conflict now; their other open conflicts are over.

    ``found``: one row per cell: ``key``, ``field``, ``platform_digest`` and ``salesforce_digest`` (uint64),
    ``platform_stamp`` and ``salesforce_stamp`` (text or null), ``code`` (optional). A conflict met again keeps its
    ``since`` and decision; one that was closed begins anew. What was decided about other values of these cells is
    over. A standing rule answers at once.
    """
    rows = _rows(mapping, found)
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        _close_others(connection, mapping, seen, rows)
        _put(connection, rows, run_id, now, {"state": OPEN})
        for rule in rules.standing_in(connection, mapping, now):
            mine = [*certain_open(mapping), conflict.c.field == rule.field]
            answer_in(ledger, connection, mine, mapping, rule.decision, rule.name, run_id)


def accept(ledger: Ledger, run_id: str, mapping: str, found: pd.DataFrame, by: str) -> None:
    """Leave these differences as they are (automation changed what was written): decided ``keep`` without asking."""
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        said = {"state": DECIDED, "decision": "keep", "decided_by": by, "decided_at": now}
        rows = _rows(mapping, found)
        _close_others(connection, mapping, [], rows)
        _put(connection, rows, run_id, now, said)


def ids_of(mapping: str, cells: pd.DataFrame) -> list[str]:
    """The conflicts' ids for cells as ``meet`` takes them."""
    texts = [column(cells, "key"), column(cells, "field")]
    digests = [hexed(cells[n].to_numpy(np.uint64)) for n in _GIVEN]
    named = zip(*texts, *digests, strict=True)
    return ["C-" + sha256("\0".join([mapping, *map(str, cell)]).encode()).hexdigest()[:16] for cell in named]


def _rows(mapping: str, found: pd.DataFrame) -> dict[str, Sequence[Any]]:
    ids = ids_of(mapping, found)
    given: dict[str, Sequence[Any]] = {n: hexed(found[n].to_numpy(np.uint64)) for n in _GIVEN}
    given |= {n: column(found, n) for n in ("key", "field", "code", *_STAMPS)}
    return {"conflict_id": ids, "mapping": [mapping] * len(ids), **given}


def _close_others(connection: Connection, mapping: str, seen: Iterable[str], rows: dict[str, Sequence[Any]]) -> None:
    """Ends open conflicts of ``seen`` keys, and whatever was said about other values of the cells in ``rows``."""
    kept, cells = set(rows["conflict_id"]), set(zip(rows["key"], rows["field"], strict=True))
    c, seen = conflict.c, set(seen)
    for some in database.chunks(sorted({*seen, *rows["key"]})):
        query = sa.select(c.conflict_id, c.key, c.field, c.state).where(c.mapping == mapping, c.state != CLOSED)
        known = connection.execute(query.where(database.within(connection, c.key, some))).all()
        over = [i for i, key, name, state in known if (state == OPEN and key in seen) or (key, name) in cells]
        _close_in(connection, [i for i in over if i not in kept])


def _put(connection: Connection, rows: dict[str, Sequence[Any]], run_id: str, now: str, said: dict[str, str]) -> None:
    count = len(rows["conflict_id"])
    fixed = {"since": now, "run_id": run_id, **said}
    update: dict[str, Any] = {n: database.new(conflict, n) for n in (*_STAMPS, "code", "run_id", *said)}
    closed = conflict.c.state == CLOSED
    update["since"] = sa.case((closed, database.new(conflict, "since")), else_=conflict.c.since)
    if said["state"] == OPEN:  # a decision stays; a closed one is over, and with it its decision
        update["state"] = sa.case((closed, OPEN), else_=conflict.c.state)
        update |= {n: sa.case((closed, sa.null()), else_=conflict.c[n]) for n in _ANSWER}
    columns = {**rows, **{n: [v] * count for n, v in fixed.items()}}
    database.upsert(connection, conflict, columns, update)


def decisions(
    ledger: Ledger, mapping: str, columns: Sequence[str], keys: pd.Index, platform: np.ndarray, salesforce: np.ndarray
) -> np.ndarray:
    """What was said about exactly these values: int8 n x f, 0 nothing, else KEEP 1, PLATFORM 2, SALESFORCE 3.

    ``platform`` and ``salesforce`` are digests, uint64 n x f, rows as in ``keys``. The codes are the merge's actions:
    the platform's value wins = write it to Salesforce.
    """
    rows = _of_keys(ledger, mapping, keys, conflict.c.state.in_(SAID))
    return spread(rows, rows["decision"].map(CODES), columns, keys, platform, salesforce)


def spread(
    rows: pd.DataFrame,
    codes: pd.Series,
    columns: Sequence[str],
    keys: pd.Index,
    platform: np.ndarray,
    salesforce: np.ndarray,
) -> np.ndarray:
    """Codes of conflicts (frame with key, field and both digests) at their cells; 0 where the digests are others."""
    said = np.zeros((len(keys), len(columns)), np.int8)
    row, col = keys.get_indexer(rows["key"]), pd.Index(columns).get_indexer(rows["field"])
    there = (row >= 0) & (col >= 0)
    rows, row, col = rows[there], row[there], col[there]
    same = (_unhexed(rows["platform_digest"]) == platform[row, col]) & (
        _unhexed(rows["salesforce_digest"]) == salesforce[row, col]
    )
    said[row[same], col[same]] = codes[there].to_numpy(np.int8)[same]
    return said


def doubtful(ledger: Ledger, mapping: str, columns: Sequence[str], keys: pd.Index) -> np.ndarray:
    """Cells (bool n x f) a lost reply left in doubt, and nobody has decided yet."""
    rows = _of_keys(ledger, mapping, keys, (conflict.c.state != CLOSED) & (conflict.c.code == IN_DOUBT))
    cells = np.zeros((len(keys), len(columns)), bool)
    row, col = keys.get_indexer(rows["key"]), pd.Index(columns).get_indexer(rows["field"])
    there = (row >= 0) & (col >= 0)
    cells[row[there], col[there]] = True
    return cells


def _of_keys(ledger: Ledger, mapping: str, keys: pd.Index, which: sa.ColumnElement[bool]) -> pd.DataFrame:
    names = ("conflict_id", "key", "field", *_GIVEN, "decision", "since", "code")
    rows: list[Any] = []
    if _any(ledger, conflict.c.mapping == mapping, which):
        query = sa.select(*[conflict.c[n] for n in names]).where(conflict.c.mapping == mapping, which)
        with ledger.reading() as connection:
            for some in database.chunks(list(keys)):
                rows += connection.execute(query.where(database.within(connection, conflict.c.key, some))).all()
    return pd.DataFrame([tuple(r) for r in rows], columns=list(names), dtype=object)


def open_of(ledger: Ledger, mapping: str, keys: pd.Index) -> pd.DataFrame:
    """Open conflicts of these keys that a rule or a deadline may decide: key, field, both digests, since."""
    return _of_keys(ledger, mapping, keys, sa.and_(*certain_open(mapping)))


def _unhexed(digests: pd.Series) -> np.ndarray:
    return np.frombuffer(bytes.fromhex("".join(digests)), ">u8").astype(np.uint64)


def conflicts(
    ledger: Ledger,
    mapping: str | None = None,
    *,
    state: str | None = OPEN,
    key: str | None = None,
    field: str | None = None,
    limit: int | None = None,
) -> pd.DataFrame:
    """Conflicts, oldest first: all columns of the table (digests as 16 hexadecimal digits). ``state`` None: all."""
    query = sa.select(conflict).order_by(conflict.c.since, conflict.c.conflict_id).limit(limit)
    for name, value in (("mapping", mapping), ("state", state), ("key", key), ("field", field)):
        if value is not None:
            query = query.where(conflict.c[name] == value)
    with ledger.reading() as connection:
        rows = [tuple(r) for r in connection.execute(query)]
    return pd.DataFrame(rows, columns=list(conflict.c.keys())).astype(TEXT)


def get(ledger: Ledger, conflict_id: str) -> dict[str, Any]:
    """One conflict; raises ``ConfigError`` CONFLICT_UNKNOWN."""
    with ledger.reading() as connection:
        return get_in(connection, conflict_id)


def get_in(connection: Connection, conflict_id: str) -> dict[str, Any]:
    """``get`` inside a transaction of the caller; holds the row until its end."""
    query = sa.select(conflict).where(conflict.c.conflict_id == conflict_id).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        raise ConfigError("there is no such conflict", "CONFLICT_UNKNOWN", conflict_id, "See: sfsync conflicts")
    return dict(row)


def certain_open(mapping: str) -> list[sa.ColumnElement[bool]]:
    """The condition of open conflicts that may be decided by machine."""
    c = conflict.c
    return [c.mapping == mapping, c.state == OPEN, sa.func.coalesce(c.code, "").not_in(FOR_PEOPLE)]


def answer_in(
    ledger: Ledger,
    connection: Connection,
    which: Sequence[sa.ColumnElement[bool]],
    mapping: str,
    decision: str,
    by: str,
    run_id: str | None,
) -> list[str]:
    """Decides the conflicts of this condition by a rule or a deadline; returns their ids, in order.

    The audit trail gets one line however many they are.
    """
    ids = sorted(connection.scalars(sa.select(conflict.c.conflict_id).where(*which)))
    if not ids:
        return []
    now = database.text_of(database.clock(connection))
    said = {"state": DECIDED, "decision": decision, "decided_by": by, "decided_at": now}
    set_in(connection, ids, **said)
    details = {"mapping": mapping, "decision": decision, "count": len(ids), "conflict_ids": ids[:NAMED]}
    audit.append_in(ledger, connection, "conflicts.decide", details, run_id=run_id, actor=by)
    return ids


def met_in(connection: Connection, run_id: str, mapping: str, cells: pd.DataFrame) -> list[str]:
    """Opens conflicts for these cells, in the caller's transaction; returns their ids in the order of the cells."""
    rows = _rows(mapping, cells)
    _put(connection, rows, run_id, database.text_of(database.clock(connection)), {"state": OPEN})
    return list(rows["conflict_id"])


def close_cells_in(
    connection: Connection, mapping: str, keys: pd.Index, columns: Sequence[str], touched: np.ndarray
) -> None:
    """These cells were written (bool n x f, rows as in ``keys``): their conflicts are over.

    The column "" is the record itself.
    """
    _close_in(connection, _at_cells(connection, mapping, keys, columns, touched, conflict.c.state != CLOSED))


def release_in(
    connection: Connection, mapping: str, keys: pd.Index, columns: Sequence[str], touched: np.ndarray
) -> None:
    """These cells (bool n x f) were not written after all: their decisions are still to be carried out."""
    ids = _at_cells(connection, mapping, keys, columns, touched, conflict.c.state == APPLYING)
    set_in(connection, ids, state=DECIDED)


def _at_cells(
    connection: Connection,
    mapping: str,
    keys: pd.Index,
    columns: Sequence[str],
    touched: np.ndarray,
    which: sa.ColumnElement[bool],
) -> list[str]:
    found: list[str] = []
    query = sa.select(conflict.c.conflict_id, conflict.c.key, conflict.c.field)
    for some in database.chunks(list(keys)):
        here = conflict.c.mapping == mapping, which, database.within(connection, conflict.c.key, some)
        for conflict_id, key, field in connection.execute(query.where(*here)):
            if field in columns and touched[keys.get_loc(key), list(columns).index(field)]:
                found.append(conflict_id)
    return found


def claim_records(ledger: Ledger, run_id: str, mapping: str, keys: pd.Index, allowed: Sequence[str]) -> np.ndarray:
    """Takes what was decided about these whole records; bool per key: nothing was, or one of ``allowed`` was."""
    c = conflict.c
    which = c.mapping == mapping, c.field == rules.RECORD, c.state.in_(SAID)
    if not _any(ledger, *which):
        return np.ones(len(keys), bool)
    rows: list[Any] = []
    with ledger.writing() as connection:
        for some in database.chunks(list(keys)):
            query = sa.select(c.conflict_id, c.key, c.decision).where(*which, database.within(connection, c.key, some))
            rows += connection.execute(query.with_for_update()).all()
        set_in(connection, [i for i, _, said in rows if said in allowed], state=APPLYING, run_id=run_id)
    return np.asarray(~keys.isin([key for _, key, said in rows if said not in allowed]))


def _any(ledger: Ledger, *which: sa.ColumnElement[bool]) -> bool:
    with ledger.reading() as connection:
        return connection.scalar(sa.select(conflict.c.key).where(*which).limit(1)) is not None


def _close_in(connection: Connection, ids: Sequence[str]) -> None:
    set_in(connection, ids, state=CLOSED)


def set_in(connection: Connection, ids: Sequence[str], **values: str) -> None:
    """Sets columns of these conflicts."""
    for some in database.chunks(ids):
        which = database.within(connection, conflict.c.conflict_id, some)
        connection.execute(conflict.update().where(which).values(**values))
