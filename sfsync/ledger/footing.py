"""What each mapping's base stands on, as the ledger keeps it: one JSON document per mapping, and the moment it moves.

What the document says is decided in ``merge.footing``; here it is only kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from sfsync.ledger import base, database
from sfsync.ledger.store import Ledger, get_meta
from sfsync.ledger.tables import layout, meta, watermark


def read(ledger: Ledger, mapping: str) -> dict[str, Any] | None:
    """The document, None if this mapping has no base yet."""
    with ledger.reading() as connection:
        text = get_meta(connection, _name(mapping))
    return None if text is None else dict(json.loads(text))


def write(ledger: Ledger, mapping: str, document: Mapping[str, Any]) -> None:
    """Keep the document: everything its run read is written, held or refused."""
    with ledger.writing() as connection:
        database.upsert(connection, meta, _row(mapping, document))


def move(ledger: Ledger, mapping: str, document: Mapping[str, Any], *, whole: bool, fresh: bool) -> None:
    """Before the first write of a run whose base stands on something else than before.

    ``whole``: the marks are taken away, so that a run that is killed is followed by one that reads everything again.
    ``fresh``: what was agreed is forgotten.
    """
    if fresh:
        for part in base.read_all(ledger, mapping, ()):
            base.forget(ledger, mapping, part.keys)
    with ledger.writing() as connection:
        database.upsert(connection, meta, _row(mapping, document))
        if whole:
            connection.execute(watermark.delete().where(watermark.c.mapping == mapping))
        ends = {"platform": str(document["platform"]), "org": str(document["org"])}
        database.upsert(connection, meta, {"name": list(ends), "value": list(ends.values())})


def known_fields(ledger: Ledger, mapping: str) -> set[str]:
    """Fields every layout of this mapping's base has."""
    with ledger.reading() as connection:
        found = connection.scalars(sa.select(layout.c.fields).where(layout.c.mapping == mapping)).all()
    return set.intersection(*[set(json.loads(f)) for f in found]) if found else set()


def _name(mapping: str) -> str:
    return f"footing.{mapping}"


def _row(mapping: str, document: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": [_name(mapping)], "value": [json.dumps(document, sort_keys=True)]}
