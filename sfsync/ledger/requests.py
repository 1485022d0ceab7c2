"""Partner requests after their case exists: what was asked, approved, begun, written and said.

What a partner wrote (an IBAN, a name) is kept sealed (``sealed``), and emptied some time after the request has ended.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.engine import Connection

from sfsync.errors import LedgerError
from sfsync.ledger import audit, database, request_notes
from sfsync.ledger.keys import derive
from sfsync.ledger.request_notes import Changed
from sfsync.ledger.request_tables import gate, mark, matter, metadata, op, request
from sfsync.ledger.sealed import cipher_of, opened, sealed
from sfsync.ledger.store import Ledger

Row = dict[str, Any]


@dataclass(frozen=True)
class New:
    """A request whose case is being made. ``fields``: canonical text by field name; sealed before it is stored."""

    case_key: str
    code: str
    shop: str
    received_at: datetime
    queue: str
    operator: str = ""
    terminal: str = ""
    requester: str = ""
    imported_by: str = ""
    language: str = "it"
    restricted: bool = False
    codes: tuple[str, ...] = ()
    matter: str = field(default="", repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Decision:
    """A mark given or refused for one plan."""

    case_key: str
    mark: str
    by: str
    plan_hash: str
    approve: bool = True
    reason: str = ""
    source: str = "command line"


def ready(ledger: Ledger) -> None:
    """Makes the tables of this module where they are missing."""
    with ledger.writing() as connection:
        database.exclusive(connection, "schema")
        metadata.create_all(connection, checkfirst=True)


# ── what was asked


def register(ledger: Ledger, rows: Sequence[New]) -> int:
    """Notes requests before their cases are made; one that is known stays as it is. Returns how many are new."""
    ready(ledger)
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        return sum(_register(connection, ledger, some, now) for some in database.chunks(rows))


def revise(
    ledger: Ledger, rows: Sequence[New], contents: Mapping[str, str], more: Mapping[str, Iterable[str]], at: datetime
) -> list[Changed]:
    """What known requests say now, unless their steps have begun, and a note of which fields changed. T0 never moves.

    ``contents``: by case key, a digest of all the request says; ``more``: names of fields that changed in the case;
    ``at``: the receipt of the file that says it.
    """
    ready(ledger)
    request_notes.ready(ledger)
    cipher = cipher_of(ledger)
    with ledger.writing() as connection:
        mine = database.within(connection, request.c.case_key, [r.case_key for r in rows])
        before = {r["case_key"]: dict(r) for r in connection.execute(sa.select(request).where(mine)).mappings()}
        found = [_changed(cipher, before[r.case_key], r, contents, more) for r in rows if r.case_key in before]
        changed = {c.case_key: c for c in found if c.fields}
        for row in rows:
            if row.case_key in changed and not changed[row.case_key].begun:
                values = {"sealed": sealed(cipher, [(row.case_key, row.fields)])[0], **_said(row)}
                connection.execute(request.update().where(request.c.case_key == row.case_key).values(**values))
        request_notes.note_in(connection, list(changed.values()), database.text_of(at))
    return list(changed.values())


def _changed(
    cipher: AESGCM, before: Row, new: New, contents: Mapping[str, str], more: Mapping[str, Iterable[str]]
) -> Changed:
    was = opened(cipher, new.case_key, before["sealed"])
    names = {n for n in {*was, *new.fields} if was.get(n) != new.fields.get(n)} | set(more.get(new.case_key, ()))
    names |= {"request_type"} if before["code"] != new.code else set()
    return Changed(new.case_key, contents[new.case_key], tuple(sorted(names)), bool(before["plan_hash"]))


def _said(new: New) -> Row:
    """What of a request may change: who is named in it, and the codes of its row."""
    who = {n: getattr(new, n) for n in ("operator", "terminal")}
    return {**who, "requester": _asker(new), "codes": json.dumps(list(new.codes))}


def _asker(new: New) -> str:
    return new.requester or new.operator or f"shop {new.shop}"


def _register(connection: Connection, ledger: Ledger, rows: Sequence[New], now: str) -> int:
    if not rows:
        return 0
    key = derive(ledger.key, "partner-matters")
    alone = {r.case_key: hmac.new(key, r.matter.encode(), sha256).hexdigest()[:32] for r in rows if r.matter}
    if alone:
        database.upsert(connection, matter, {"case_key": list(alone), "digest": list(alone.values())}, update={})
    return database.upsert(connection, request, _columns(cipher_of(ledger), rows, now), update={})


def _columns(cipher: AESGCM, rows: Sequence[New], now: str) -> dict[str, list[Any]]:
    plain = ("case_key", "code", "shop", "operator", "terminal", "imported_by", "language", "queue", "restricted")
    same = {"state": "new", "waits": "[]", "reason": "", "plan_hash": "", "shown_hash": "", "undoing": False}
    moments = {t: database.text_of(t) for t in {r.received_at for r in rows}}
    codes = {c: json.dumps(list(c)) for c in {r.codes for r in rows}}
    return {n: [getattr(r, n) for r in rows] for n in plain} | {
        "requester": [_asker(r) for r in rows],
        "received_at": [moments[r.received_at] for r in rows],
        "codes": [codes[r.codes] for r in rows],
        "sealed": sealed(cipher, [(r.case_key, r.fields) for r in rows]),
        **{n: [value] * len(rows) for n, value in same.items()},
        "since": [now] * len(rows),
    }


# ── looking


def requests(ledger: Ledger, *, ended: bool = False, keys: Sequence[str] | None = None) -> list[Row]:
    """Requests that have not ended (or all), or those with these case keys; oldest first."""
    ready(ledger)
    query = sa.select(request).order_by(request.c.received_at, request.c.case_key)
    if keys is None and not ended:
        query = query.where(request.c.ended_at.is_(None))
    with ledger.reading() as connection:
        if keys is not None:
            query = query.where(database.within(connection, request.c.case_key, list(keys)))
        return [dict(r) for r in connection.execute(query).mappings()]


def find(ledger: Ledger, name: str) -> Row:
    """The request of a case, by its number or its key (the beginning will do); ``LedgerError`` REQUEST_UNKNOWN."""
    ready(ledger)
    c = request.c
    named = sa.or_(c.case_number == name, c.case_key == name, c.case_key.startswith(name, autoescape=True))
    with ledger.reading() as connection:
        rows = [dict(r) for r in connection.execute(sa.select(request).where(named).limit(3)).mappings()]
    exact = [r for r in rows if name in (r["case_number"], r["case_key"])] or rows
    if len(exact) != 1:
        what = "several requests have a key like this" if exact else "there is no such request"
        raise LedgerError(what, "REQUEST_UNKNOWN", name, "See: sfsync partners requests")
    return exact[0]


def rows_of(ledger: Ledger, table: sa.Table, keys: Sequence[str]) -> dict[str, list[Row]]:
    """Rows of one of this module's tables by case key."""
    order = [*table.primary_key.columns]
    found: dict[str, list[Row]] = {k: [] for k in keys}
    with ledger.reading() as connection:
        query = sa.select(table).where(database.within(connection, table.c.case_key, list(keys))).order_by(*order)
        for row in connection.execute(query).mappings():
            found[row["case_key"]].append(dict(row))
    return found


def of_shops(ledger: Ledger, codes: Iterable[str], shops: Iterable[str]) -> list[Row]:
    """Requests of these types by these shops that were not refused, withdrawn or taken back."""
    over = ("refused", "withdrawn", "prohibited", "undone")
    names = (request.c.case_key, request.c.code, request.c.shop, request.c.received_at, request.c.sealed)
    query = sa.select(*names).where(request.c.code.in_(sorted(codes)), request.c.state.not_in(over))
    with ledger.reading() as connection:
        mine = database.within(connection, request.c.shop, sorted(shops))
        return [dict(r) for r in connection.execute(query.where(mine)).mappings()]


def twins(ledger: Ledger, keys: Sequence[str]) -> dict[str, list[str]]:
    """By case key, the other requests made for the one thing that only one may be made for."""
    other = matter.alias()
    query = sa.select(matter.c.case_key, other.c.case_key.label("other")).join(
        other, sa.and_(other.c.digest == matter.c.digest, other.c.case_key != matter.c.case_key)
    )
    found: dict[str, list[str]] = {}
    with ledger.reading() as connection:
        mine = database.within(connection, matter.c.case_key, list(keys))
        for row in connection.execute(query.where(mine).order_by(other.c.case_key)):
            found.setdefault(row.case_key, []).append(row.other)
    return found


def ops_of_run(ledger: Ledger, run_id: str) -> list[Row]:
    """What a run asked of the platform."""
    ready(ledger)
    with ledger.reading() as connection:
        query = sa.select(op).where(op.c.run_id == run_id).order_by(op.c.case_key, op.c.number, op.c.request_key)
        return [dict(r) for r in connection.execute(query).mappings()]


# ── deciding


def decide(ledger: Ledger, decision: Decision, actor: str) -> None:
    """Notes a mark and its line in the audit trail, together."""
    with ledger.writing() as connection:
        row = {n: getattr(decision, n) for n in decision.__dataclass_fields__}
        row["at"] = database.text_of(database.clock(connection))
        database.upsert(connection, mark, {n: [v] for n, v in row.items()})
        action = "request.approve" if decision.approve else "request.refuse"
        details = {n: row[n] for n in ("case_key", "mark", "by", "plan_hash", "source")}
        audit.append_in(ledger, connection, action, details, run_id=None, actor=actor)
    audit.anchor(ledger)


def record(ledger: Ledger, case_key: str, name: str, by: str, bound: Mapping[str, str], actor: str) -> None:
    """Notes that somebody did what a gate asks for."""
    with ledger.writing() as connection:
        row = {"case_key": case_key, "gate": name, "by": by, "bound": json.dumps(dict(bound), sort_keys=True)}
        row["at"] = database.text_of(database.clock(connection))
        database.upsert(connection, gate, {n: [v] for n, v in row.items()})
        details = {"case_key": case_key, "gate": name, "by": by}
        audit.append_in(ledger, connection, "request.record", details, run_id=None, actor=actor)
    audit.anchor(ledger)


# ── forgetting


def purge(ledger: Ledger, keep: timedelta) -> int:
    """Empties the sealed values of requests that ended longer ago; returns of how many."""
    with ledger.writing() as connection:
        old = database.text_of(database.clock(connection) - keep)
        which = sa.and_(request.c.ended_at <= old, request.c.sealed.is_not(None))
        keys = sa.select(request.c.case_key).where(which)
        connection.execute(op.update().where(op.c.case_key.in_(keys)).values(sealed=None))
        return connection.execute(request.update().where(which).values(sealed=None)).rowcount
