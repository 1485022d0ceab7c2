"""Which requests belong to one incident: noted before anything is written, so that an incident is made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, MetaData, Table

from sfsync.ledger import database
from sfsync.ledger.request_tables import request
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import _Text

metadata = MetaData()
member = Table(
    "partner_incident",
    metadata,
    Column("case_key", _Text, primary_key=True),
    Column("incident", _Text, nullable=False, index=True),  # the parent case's key
    Column("place", _Text, nullable=False),  # kind and name, as province:RM
    Column("at", _Text, nullable=False),
    Column("linked_at", _Text),
)


def ready(ledger: Ledger) -> None:
    """Makes the table where it is missing."""
    with ledger.writing() as connection:
        database.exclusive(connection, "schema")
        metadata.create_all(connection, checkfirst=True)


def recent(ledger: Ledger, codes: Sequence[str], since: datetime) -> list[dict[str, Any]]:
    """Rows of the requests of these types received since, ended or not."""
    c = request.c
    query = sa.select(request).where(c.code.in_(codes), c.received_at >= database.text_of(since))
    with ledger.reading() as connection:
        return [dict(r) for r in connection.execute(query.order_by(c.received_at, c.case_key)).mappings()]


def known(ledger: Ledger, keys: Sequence[str]) -> dict[str, str]:
    """Of these requests, the incident of each that has one."""
    with ledger.reading() as connection:
        query = sa.select(member.c.case_key, member.c.incident).where(
            database.within(connection, member.c.case_key, list(keys))
        )
        return {r.case_key: r.incident for r in connection.execute(query)}


def join(ledger: Ledger, found: Mapping[str, tuple[str, str]]) -> None:
    """Notes incident and place of requests; each keeps its first one. Those that had ended are looked at again."""
    keys = list(found)
    if not keys:
        return
    with ledger.writing() as connection:
        now = database.text_of(database.clock(connection))
        columns: dict[str, list[Any]] = {"case_key": keys, "incident": [found[k][0] for k in keys]}
        columns |= {"place": [found[k][1] for k in keys], "at": [now] * len(keys)}
        database.upsert(connection, member, columns, update={})
        mine = database.within(connection, request.c.case_key, keys)
        connection.execute(request.update().where(mine).values(ended_at=None))


def unlinked(ledger: Ledger) -> list[dict[str, Any]]:
    """Requests whose case does not hang on its incident's yet."""
    query = sa.select(member).where(member.c.linked_at.is_(None)).order_by(member.c.incident, member.c.case_key)
    with ledger.reading() as connection:
        return [dict(r) for r in connection.execute(query).mappings()]


def linked(ledger: Ledger, keys: Sequence[str]) -> None:
    """These cases hang on their incident's."""
    if keys:
        with ledger.writing() as connection:
            now = database.text_of(database.clock(connection))
            mine = database.within(connection, member.c.case_key, list(keys))
            connection.execute(member.update().where(mine).values(linked_at=now))
