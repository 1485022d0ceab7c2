"""Texts too long for a case: kept sealed beside the inbox, named by a reference, deleted when their time is over.

The table holds references and lengths; what a text says (its secrets masked already) stands in the vault alone.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as part
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from sqlalchemy import Column, Integer, MetaData, Table

from sfsync.errors import LedgerError
from sfsync.ledger import database
from sfsync.ledger.keys import derive
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import _Text
from sfsync.ledger.vault import Vault

metadata = MetaData()
attachment = Table(
    "partner_attachment",
    metadata,
    Column("reference", _Text, primary_key=True),
    Column("case_key", _Text, nullable=False, index=True),
    Column("field", _Text, nullable=False),
    Column("length", Integer, nullable=False),
    Column("kept_at", _Text, nullable=False),
    Column("purge_at", _Text, nullable=False),
)


@dataclass(frozen=True)
class Long:
    """The whole text of one field of a request."""

    case_key: str
    field: str
    text: str = part(repr=False)


def ready(ledger: Ledger) -> None:
    """Makes the table where it is missing."""
    with ledger.writing() as connection:
        database.exclusive(connection, "schema")
        metadata.create_all(connection, checkfirst=True)


def keep(ledger: Ledger, texts: Sequence[Long], days: int) -> list[str]:
    """Seals the texts for so many days; their references. The same text of the same case has the same one again."""
    if not texts:
        return []
    ready(ledger)
    references = [_reference(ledger, t) for t in texts]
    for reference, one in zip(references, texts, strict=True):
        _vault(ledger).put(reference, one.text.encode())
    now = ledger.now()
    columns: dict[str, list[Any]] = {
        "reference": references,
        "case_key": [t.case_key for t in texts],
        "field": [t.field for t in texts],
        "length": [len(t.text) for t in texts],
        "kept_at": [database.text_of(now)] * len(texts),
        "purge_at": [database.text_of(now + timedelta(days=days))] * len(texts),
    }
    with ledger.writing() as connection:
        database.upsert(connection, attachment, columns)
    return references


def of_case(ledger: Ledger, case_key: str) -> list[dict[str, Any]]:
    """What is kept for a case: reference, field, length in characters, since and until when."""
    ready(ledger)
    c = attachment.c
    query = sa.select(c.reference, c.field, c.length, c.kept_at, c.purge_at).where(c.case_key == case_key)
    with ledger.reading() as connection:
        return [dict(r) for r in connection.execute(query.order_by(c.kept_at, c.reference)).mappings()]


def text_of(ledger: Ledger, reference: str) -> str:
    """A text by its reference; raises ``LedgerError`` ATTACHMENT_UNKNOWN if its time is over, ATTACHMENT_KEY."""
    try:
        found = _vault(ledger).get(reference) if reference.isalnum() else None
    except InvalidTag:
        step = "Bring back the key the ledger was made with; the text is as it was written."
        raise LedgerError("a text cannot be opened", "ATTACHMENT_KEY", reference[:32], step) from None
    if found is None:
        step = "Its references are named by: sfsync partners explain CASE"
        raise LedgerError("there is no such text, or its time is over", "ATTACHMENT_UNKNOWN", reference[:32], step)
    return found.decode()


def purge(ledger: Ledger, now: datetime) -> int:
    """Deletes the texts that are past their time; returns how many."""
    ready(ledger)
    with ledger.writing() as connection:
        over = attachment.c.purge_at <= database.text_of(now)
        old = list(connection.scalars(sa.select(attachment.c.reference).where(over)))
        for reference in old:
            _vault(ledger).drop(reference)
        connection.execute(attachment.delete().where(over))
    return len(old)


def _reference(ledger: Ledger, one: Long) -> str:
    key = derive(ledger.key, "partner-attachment-names")
    return hmac.new(key, f"{one.case_key}|{one.field}|{one.text}".encode(), sha256).hexdigest()[:32]


def _vault(ledger: Ledger) -> Vault:
    return Vault(ledger.folder / "attachments", derive(ledger.key, "partner-attachments"))
