"""Files and rows of partner requests that were taken in: what makes each request one case, whoever sends it again.

Tables of their own, made at first use. They hold keys, codes, counts and digests under the ledger's key; what a row
says stands encrypted in the inbox beside the ledger, and is deleted when its time is over.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, Index, Integer, MetaData, Table

from sfsync.errors import LedgerError
from sfsync.ledger import database
from sfsync.ledger.keys import derive
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import _Text

_NONCE = 12
PLANNED, MADE = "planned", "made"
metadata = MetaData()

file = Table(
    "import_file",
    metadata,
    Column("sha256", _Text, primary_key=True),
    Column("profile", _Text, primary_key=True),
    Column("run_id", _Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("counts", _Text, nullable=False),  # JSON
    Column("codes", _Text, nullable=False),  # JSON: how many rows have each code
    Column("received_at", _Text, nullable=False),
    Column("purge_at", _Text, nullable=False),
)

row = Table(
    "import_row",
    metadata,
    Column("source_key", _Text, primary_key=True),
    Column("shop", _Text, nullable=False),
    Column("code", _Text, nullable=False),
    Column("request", _Text),  # digest of the request's id
    Column("content", _Text, nullable=False),  # digest of what it says
    Column("alike", _Text),  # digest of what it is about
    Column("occurred_at", _Text, nullable=False),
    Column("received_at", _Text, nullable=False),  # T0: never moves
    Column("case_key", _Text, nullable=False),  # its own key, or that of the case it repeats
    Column("state", _Text, nullable=False),  # planned | made
    Column("run_id", _Text, nullable=False),
    Index("import_row_request", "request"),
    Index("import_row_alike", "alike"),
    Index("import_row_case", "case_key"),
)

waiting = Table(
    "import_waiting",
    metadata,
    Column("sha256", _Text, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("source_key", _Text),
    Column("shop", _Text),
    Column("code", _Text, nullable=False),
    Column("outcome", _Text, nullable=False),
    Column("codes", _Text, nullable=False),
    Column("missing", _Text, nullable=False),
    Column("received_at", _Text, nullable=False),
    Column("purge_at", _Text, nullable=False),
)

Row = dict[str, Any]


def ready(ledger: Ledger) -> None:
    """Makes the tables of this module where they are missing."""
    with ledger.writing() as connection:
        database.exclusive(connection, "schema")
        metadata.create_all(connection, checkfirst=True)


def imported(ledger: Ledger, sha256: str, profile: str) -> Row | None:
    """The earlier import of exactly this file, if it was finished."""
    query = sa.select(file).where(file.c.sha256 == sha256, file.c.profile == profile)
    with ledger.reading() as connection:
        found = connection.execute(query).mappings().first()
    return None if found is None else dict(found)


def rows_by(ledger: Ledger, column: str, values: Sequence[str], names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """These columns of the rows whose ``column`` is one of the values; a join, not a query per row."""
    with ledger.reading() as connection:
        for some in database.chunks(list(dict.fromkeys(values))):
            query: Any = sa.select(*(row.c[n] for n in names)).where(database.within(connection, row.c[column], some))
            yield from (tuple(one) for one in connection.execute(query))


def plan(ledger: Ledger, pieces: Iterable[Mapping[str, Sequence[Any]]]) -> None:
    """Notes requests before anything of them is written: a run that dies goes on with the same keys and the same T0."""
    with ledger.writing() as connection:
        for columns in pieces:
            changes = {n: database.new(row, n) for n in columns if n not in ("received_at", "case_key", "source_key")}
            database.upsert(connection, row, columns, update=changes)


def done(ledger: Ledger, run_id: str, imported_file: Row, waits: Sequence[Row]) -> None:
    """The file's requests are made; its hash is known from now on."""
    with ledger.writing() as connection:
        connection.execute(row.update().where(row.c.run_id == run_id).values(state=MADE))
        database.upsert(connection, file, {n: [v] for n, v in imported_file.items()})
        if waits:
            database.upsert(connection, waiting, {n: [w[n] for w in waits] for n in waits[0]})


def repeats(ledger: Ledger, cases: Sequence[str]) -> dict[str, int]:
    """How many further contacts each of these cases has had."""
    found: dict[str, int] = {}
    with ledger.reading() as connection:
        for some in database.chunks(list(dict.fromkeys(cases))):
            query = (
                sa.select(row.c.case_key, sa.func.count())
                .where(database.within(connection, row.c.case_key, some), row.c.source_key != row.c.case_key)
                .group_by(row.c.case_key)
            )
            found |= {str(k): int(n) for k, n in connection.execute(query)}
    return found


def waits(ledger: Ledger) -> list[Row]:
    """Rows that wait for a person, or were refused, oldest first."""
    query = sa.select(waiting).order_by(waiting.c.received_at, waiting.c.sha256, waiting.c.line)
    with ledger.reading() as connection:
        return [dict(r) for r in connection.execute(query).mappings()]


# ── the inbox


def keep(ledger: Ledger, sha256: str, content: bytes) -> Path:
    """Puts a file into the inbox, encrypted (AES-256-GCM) and bound to its hash."""
    path = _place(ledger, sha256)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    nonce = secrets.token_bytes(_NONCE)
    body = nonce + _cipher(ledger).encrypt(nonce, content, sha256.encode())
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
    return path


def kept(ledger: Ledger, sha256: str) -> bytes | None:
    """A file of the inbox as it came; None if its time was over. Raises ``LedgerError`` INBOX_KEY under another key."""
    try:
        body = _place(ledger, sha256).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return _cipher(ledger).decrypt(body[:_NONCE], body[_NONCE:], sha256.encode())
    except InvalidTag:
        step = "Bring back the key the ledger was made with; the file is as it was written."
        raise LedgerError("a file of the inbox cannot be opened", "INBOX_KEY", sha256[:12], step) from None


def purge(ledger: Ledger, now: datetime) -> int:
    """Deletes what is past its time from the inbox, and the rows that waited; returns how many files went."""
    over = database.text_of(now)
    with ledger.writing() as connection:
        old = list(connection.scalars(sa.select(file.c.sha256).where(file.c.purge_at <= over)))
        connection.execute(waiting.delete().where(waiting.c.purge_at <= over))
    gone = [p for s in old if (p := _place(ledger, s)).exists()]
    for path in gone:
        path.unlink()
    return len(gone)


def purge_at(received: datetime, days: int) -> str:
    """When what was received then is deleted."""
    return database.text_of(received + timedelta(days=days))


def _place(ledger: Ledger, sha256: str) -> Path:
    return ledger.folder / "inbox" / f"{sha256}.sealed"


def _cipher(ledger: Ledger) -> AESGCM:
    return AESGCM(derive(ledger.key, "partner-inbox"))


def secret(ledger: Ledger) -> bytes:
    """The key of the digests of rows."""
    return derive(ledger.key, "partner-rows")
