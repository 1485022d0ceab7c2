"""Holds (records that wait for something) and failures (records whose write was refused).

Both keep the digest of the row they were about (``digest.of_rows`` over the cells to write): as long as the row is
the same, trying it again gives the same answer. ``retry`` and ``release`` forget it, and the next run tries again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sfsync.errors import ConfigError
from sfsync.ledger import audit, database
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import COMPLIANCE, failure, hold
from sfsync.sides.side import TEXT


def column(frame: pd.DataFrame, name: str, default: str | None = None) -> list[str | None]:
    """A text column of a frame as Python values; ``default`` where it is null or missing."""
    found = database.texts(frame[name]) if name in frame.columns else [None] * len(frame)
    return [default if v is None else v for v in found]


# ── failures


def fail(ledger: Ledger, run_id: str, mapping: str, side: str, rows: pd.DataFrame) -> None:
    """Record refused rows. ``rows`` is indexed by key: ``code``, ``kind_of_failure``, ``fields``, ``reason`` (no values
    of the record in it) as in ``sides.side.Outcomes``; optional ``digest`` of the row that was refused and
    ``touched``, the mapping's names of the fields that were to be written (default: ``fields``).
    """
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        fail_in(connection, mapping, side, rows, run_id, now, tried=False)


def fail_in(
    connection: Connection, mapping: str, side: str, rows: pd.DataFrame, run_id: str, now: str, *, tried: bool = True
) -> None:
    """``fail`` inside a transaction of the caller. Not ``tried``: nothing was sent, the same problem was seen again.

    Such a failure is a new attempt only if it is another one than before.
    """
    rows = rows[~rows.index.duplicated(keep="last")]
    columns: dict[str, Sequence[Any]] = {
        "key": database.texts(rows.index),
        "code": column(rows, "code", "UNKNOWN"),
        "failure_class": column(rows, "kind_of_failure", "unknown"),
        "fields": column(rows, "fields", ""),
        "touched": column(rows, "touched" if "touched" in rows.columns else "fields", ""),
        "reason": column(rows, "reason", ""),
        "digest": column(rows, "digest"),
    }
    fixed = {"mapping": mapping, "side": side, "attempts": 1, "first_at": now, "last_at": now, "run_id": run_id}
    columns |= {n: [v] * len(rows) for n, v in fixed.items()}
    kept = ("mapping", "key", "side", "first_at", "attempts")
    update: dict[str, Any] = {n: database.new(failure, n) for n in columns if n not in kept}
    update["attempts"] = failure.c.attempts + 1
    if not tried:
        new = {n: database.new(failure, n) for n in ("code", "fields", "touched", "last_at")}
        same = sa.and_(*[failure.c[n] == new[n] for n in ("code", "fields", "touched")])
        update["attempts"] = sa.case((same, failure.c.attempts), else_=failure.c.attempts + 1)
        update["last_at"] = sa.case((same, failure.c.last_at), else_=new["last_at"])
    database.upsert(connection, failure, columns, update)


def written_in(connection: Connection, mapping: str, side: str, keys: pd.Index, touched: pa.Array, run_id: str) -> None:
    """These rows were written; ``touched``: the fields of each, comma-joined (text, or a dictionary of it).

    A failure is over if one of its fields was written now: another lane's refusal of the same record stays. A hold is
    over if an earlier run made it; a parked change stays parked.
    """
    here = failure.c.mapping == mapping, failure.c.side == side
    if database.any_row(connection, failure, *here):
        _over(connection, here, dict(zip(keys, touched.to_pylist(), strict=True)))
    made = hold.c.mapping == mapping, hold.c.about.in_(("", COMPLIANCE)), hold.c.run_id != run_id
    if database.any_row(connection, hold, *made):
        for some in database.chunks(list(keys)):
            connection.execute(hold.delete().where(*made, database.within(connection, hold.c.key, some)))


def _over(connection: Connection, here: Sequence[sa.ColumnElement[bool]], fields: dict[str, str]) -> None:
    """Ends the failures of these records one of whose ``fields`` was written."""
    query = sa.select(failure.c.key, failure.c.touched).where(*here)
    for some in database.chunks(list(fields)):
        found = connection.execute(query.where(database.within(connection, failure.c.key, some))).all()
        over = [key for key, names in found if set(names.split(",")) & set(fields[key].split(","))]
        connection.execute(failure.delete().where(*here, database.within(connection, failure.c.key, over)))


def wait_in(connection: Connection, mapping: str, keys: pd.Index, codes: Sequence[str], run_id: str) -> None:
    """Hold these records, for a reason each; nothing else of theirs changes."""
    found = pd.DataFrame({"reason": list(codes)}, index=keys)
    _hold_in(connection, mapping, found, run_id, database.text_of(database.clock(connection)))


def clear_failures(ledger: Ledger, mapping: str, side: str, keys: Iterable[str]) -> None:
    """These rows need no write any more."""
    with ledger.writing() as connection:
        for some in database.chunks(list(keys)):
            which = database.within(connection, failure.c.key, some)
            connection.execute(failure.delete().where(failure.c.mapping == mapping, failure.c.side == side, which))


def failures(
    ledger: Ledger, mapping: str | None = None, *, keys: Iterable[str] | None = None, limit: int | None = None
) -> pd.DataFrame:
    """Failures, newest first: all columns of the table, ``digest`` null = to be tried again."""
    return _listed(ledger, failure, mapping, keys, failure.c.last_at.desc(), limit)


def retry(ledger: Ledger, mapping: str, keys: Iterable[str] | None, actor: str) -> int:
    """Let the next run try these failures (None: all of the mapping) again whatever they hold; returns how many."""
    return _forget(ledger, failure, mapping, keys, actor, "failures.retry")


# ── holds


def put_holds(ledger: Ledger, run_id: str, mapping: str, seen: Iterable[str], found: pd.DataFrame) -> None:
    """Of the keys looked at, these wait now; the others do not wait any more.

    ``found`` is indexed by key: ``reason`` (a code), ``waits_mapping`` and ``waits_key`` (the parent waited for, or
    null), ``digest`` (optional: of a change to be parked, of which a record may have several), ``about`` (optional,
    instead: ``COMPLIANCE``). A hold that goes on keeps its ``since``.
    """
    gone = sorted(set(seen) - set(found.index))
    with ledger.writing() as connection:
        for some in database.chunks(gone):
            which = database.within(connection, hold.c.key, some)
            connection.execute(hold.delete().where(hold.c.mapping == mapping, which))
        since = database.text_of(database.clock(connection))
        _hold_in(connection, mapping, found, run_id, since)


def _hold_in(connection: Connection, mapping: str, found: pd.DataFrame, run_id: str, since: str) -> None:
    found = found.assign(about=column(found, "about" if "about" in found.columns else "digest", ""))
    found = found[~found.set_index("about", append=True).index.duplicated(keep="last")]
    names = ("about", "reason", "waits_mapping", "waits_key", "digest")
    columns: dict[str, Sequence[Any]] = {n: column(found, n) for n in names}
    columns |= {"key": database.texts(found.index), "mapping": [mapping] * len(found)}
    columns |= {"since": [since] * len(found), "run_id": [run_id] * len(found)}
    update = {n: database.new(hold, n) for n in ("reason", "waits_mapping", "waits_key", "digest", "run_id")}
    database.upsert(connection, hold, columns, update)


def holds(
    ledger: Ledger, mapping: str | None = None, *, keys: Iterable[str] | None = None, limit: int | None = None
) -> pd.DataFrame:
    """Holds, oldest first: all columns of the table."""
    return _listed(ledger, hold, mapping, keys, hold.c.since, limit)


def waiting_for(ledger: Ledger, mapping: str, keys: Iterable[str]) -> pd.DataFrame:
    """Holds that wait for these records of ``mapping``: they wake when the parent lands."""
    rows: list[Any] = []
    with ledger.reading() as connection:
        for some in database.chunks(list(keys)):
            which = database.within(connection, hold.c.waits_key, some)
            rows += connection.execute(sa.select(hold).where(hold.c.waits_mapping == mapping, which)).all()
    return _frame(hold, rows)


def release(ledger: Ledger, mapping: str, keys: Iterable[str] | None, actor: str) -> int:
    """Let the next run look at these held records (None: all) again whatever they hold; returns how many."""
    return _forget(ledger, hold, mapping, keys, actor, "holds.release")


# ── both


def get(ledger: Ledger, mapping: str, key: str) -> dict[str, list[dict[str, Any]]]:
    """Everything that stops one record: ``{"failures": [...], "holds": [...]}``."""
    found = {"failures": failures(ledger, mapping, keys=[key]), "holds": holds(ledger, mapping, keys=[key])}
    return {n: f.astype(object).where(f.notna(), None).to_dict("records") for n, f in found.items()}


def _forget(ledger: Ledger, table: sa.Table, mapping: str, keys: Iterable[str] | None, actor: str, action: str) -> int:
    wanted = None if keys is None else list(keys)
    with ledger.writing() as connection:
        change = table.update().where(table.c.mapping == mapping).values(digest=None)
        if wanted is not None:
            change = change.where(database.within(connection, table.c.key, wanted))
        count = connection.execute(change).rowcount
        if wanted and not count:
            step = f"See what there is: sfsync {table.name}s --mapping {mapping}"
            raise ConfigError(f"there is no such {table.name}", "ISSUE_UNKNOWN", f"{mapping} {wanted[0]}", step)
        details = {"mapping": mapping, "count": count, "keys": (wanted or [])[:100]}
        audit.append_in(ledger, connection, action, details, run_id=None, actor=actor)
    audit.anchor(ledger)
    return count


def _listed(
    ledger: Ledger, table: sa.Table, mapping: str | None, keys: Iterable[str] | None, order: Any, limit: int | None
) -> pd.DataFrame:
    with ledger.reading() as connection:
        query = sa.select(table).order_by(order, table.c.mapping, table.c.key).limit(limit)
        if mapping is not None:
            query = query.where(table.c.mapping == mapping)
        if keys is not None:
            query = query.where(database.within(connection, table.c.key, list(keys)))
        return _frame(table, connection.execute(query).all())


def _frame(table: sa.Table, rows: Sequence[Any]) -> pd.DataFrame:
    frame = pd.DataFrame([tuple(r) for r in rows], columns=list(table.c.keys()))
    return frame.astype({c.name: "int64" if isinstance(c.type, sa.Integer) else TEXT for c in table.c})
