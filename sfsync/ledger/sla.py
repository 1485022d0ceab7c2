"""What the service-level sweep remembers: when to look at a case again, and which rungs have fired.

A rung fires once per case, episode and level: its row is the claim. The row is there before its notice leaves, and
says when it had left; a sweep that dies in between finds it untold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from sfsync.ledger import database
from sfsync.ledger.store import Ledger, get_meta
from sfsync.ledger.tables import meta, sla_case, sla_drill, sla_rung

LATE_DAYS = "sla.late_days"  # its name in meta


def due(ledger: Ledger, as_of: datetime) -> list[str]:
    """Ids of the cases that time alone has changed by ``as_of``."""
    c = sla_case.c
    ask = sa.select(c.case_id).where(c.next_at <= database.text_of(as_of)).order_by(c.case_id)
    with ledger.reading() as connection:
        return list(connection.scalars(ask))


def waiting(ledger: Ledger) -> list[str]:
    """Ids of the cases that are not over: time will change them, or may."""
    ask = sa.select(sla_case.c.case_id).where(sla_case.c.next_at.is_not(None)).order_by(sla_case.c.case_id)
    with ledger.reading() as connection:
        return list(connection.scalars(ask))


def late_days(ledger: Ledger) -> str:
    """The digest of the late days all cases were last looked at under; empty: none."""
    with ledger.reading() as connection:
        return get_meta(connection, LATE_DAYS) or ""


def keep_late_days(ledger: Ledger, digest: str) -> None:
    """All cases have been looked at under these late days."""
    with ledger.writing() as connection:
        database.upsert(connection, meta, {"name": [LATE_DAYS], "value": [digest]})


def stamps(ledger: Ledger, ids: Sequence[str]) -> dict[str, str]:
    """The change stamp each of these cases had when it was looked at."""
    c = sla_case.c
    found: dict[str, str] = {}
    with ledger.reading() as connection:
        for some in database.chunks(ids):
            ask = sa.select(c.case_id, c.stamp).where(database.within(connection, c.case_id, some))
            found.update((str(i), str(s)) for i, s in connection.execute(ask))
    return found


def fired(ledger: Ledger, ids: Sequence[str]) -> set[tuple[str, int, str]]:
    """The rungs of these cases that have fired and whose notice has left: case id, episode, rung."""
    c = sla_rung.c
    found: set[tuple[str, int, str]] = set()
    with ledger.reading() as connection:
        for some in database.chunks(ids):
            mine = database.within(connection, c.case_id, some), c.told_at.is_not(None)
            ask = sa.select(c.case_id, c.episode, c.rung).where(*mine)
            found |= {(str(i), int(e), str(r)) for i, e, r in connection.execute(ask)}
    return found


def fire(ledger: Ledger, run_id: str, rungs: pd.DataFrame, as_of: datetime) -> int:
    """Claims rungs (columns as in ``planners.sla.make.Sweep``); how many are new.

    What is ``silent`` counts as told.
    """
    if not len(rungs):
        return 0
    now = database.text_of(as_of)
    columns = {name: rungs[name].tolist() for name in rungs.columns if name != "silent"}
    columns |= {"processed_at": [now] * len(rungs), "run_id": [run_id] * len(rungs)}
    columns["told_at"] = [now if silent else None for silent in rungs["silent"]]
    with ledger.writing() as connection:
        return database.upsert(connection, sla_rung, columns, update={})


def untold(ledger: Ledger) -> list[dict[str, Any]]:
    """Rungs whose notice and comment are still to be made, in the order in which they were reached."""
    c = sla_rung.c
    with ledger.reading() as connection:
        ask = sa.select(sla_rung).where(c.told_at.is_(None)).order_by(c.reached_at, c.case_id, c.rung)
        return [dict(row) for row in connection.execute(ask).mappings()]


def told(ledger: Ledger, rungs: Sequence[Mapping[str, Any]], as_of: datetime) -> None:
    """Their notices have left."""
    c = sla_rung.c
    with ledger.writing() as connection:
        for one in rungs:
            which = (c.case_id == one["case_id"], c.episode == one["episode"], c.rung == one["rung"])
            connection.execute(sla_rung.update().where(*which).values(told_at=database.text_of(as_of)))


def remember(ledger: Ledger, cases: pd.DataFrame) -> None:
    """When to look again: columns case_id, key, stamp (empty: whatever its stamp), next_at (null: when it changes),
    policy_version, entered.
    """
    if len(cases):
        columns = {n: [None if pd.isna(v) else v for v in cases[n]] for n in cases.columns}
        with ledger.writing() as connection:
            database.upsert(connection, sla_case, columns)


def entered(ledger: Ledger, ids: Sequence[str]) -> dict[str, str | None]:
    """The category for which each of these cases was held."""
    c = sla_case.c
    found: dict[str, str | None] = {}
    with ledger.reading() as connection:
        for some in database.chunks(ids):
            ask = sa.select(c.case_id, c.entered).where(database.within(connection, c.case_id, some))
            found.update((str(i), e) for i, e in connection.execute(ask))
    return found


def forget(ledger: Ledger, ids: Sequence[str]) -> None:
    """These cases are gone: nobody looks at them again."""
    with ledger.writing() as connection:
        for some in database.chunks(ids):
            connection.execute(sla_case.delete().where(database.within(connection, sla_case.c.case_id, some)))


def keep_drill(ledger: Ledger, drill: Mapping[str, Any]) -> None:
    """The result of a drill; it is never pruned."""
    row = {**drill, "result": json.dumps(drill["result"], sort_keys=True)}
    with ledger.writing() as connection:
        connection.execute(sla_drill.insert().values(**row))


def drills(ledger: Ledger) -> list[dict[str, Any]]:
    """All drills, newest first."""
    with ledger.reading() as connection:
        rows = connection.execute(sa.select(sla_drill).order_by(sla_drill.c.at.desc())).mappings()
        return [{**row, "result": json.loads(row["result"])} for row in rows]
