"""The conflict inbox: both values as they are now, who changed them and when, and how long there is to decide.

The ledger holds no values, so both sides are read. A side that cannot be read is said to be so; the list still comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from sfsync.errors import SideError
from sfsync.ledger import base, conflicts, database
from sfsync.ledger.digest import hexed
from sfsync.ledger.rules import RECORD
from sfsync.mapping.model import Mapping
from sfsync.plan.explain import shown
from sfsync.runs.bench import Bench
from sfsync.sides.side import TEXT, Records

NOT_READ = "not read"


@dataclass(frozen=True)
class Inbox:
    """What there is to decide.

    ``rows``: the ledger's columns of each conflict and ``deadline``, ``overdue``, ``then`` (of the mapping),
    ``platform`` and ``salesforce`` (``value``, ``stamp``, ``by``), ``as_met`` (the values are still those it was met
    with; None if a side was not read). ``more``: how many were left out. ``unread``: why a side was not read.
    """

    rows: list[dict[str, Any]]
    more: int = 0
    unread: list[SideError] = field(default_factory=list)


def listed(
    bench: Bench,
    mapping: str | None = None,
    *,
    name: str | None = None,
    state: str | None = conflicts.OPEN,
    limit: int | None = None,
    show_values: bool = False,
    read: bool = True,
) -> Inbox:
    """Conflicts, oldest first; ``name``: only of this field. With ``read`` False neither side is asked."""
    found = conflicts.conflicts(bench.ledger, mapping, field=name, state=state)
    some = found if limit is None else found.head(limit)
    return _shown(bench, _records(some), len(found) - len(some), show_values=show_values, read=read)


def one(bench: Bench, conflict_id: str, *, show_values: bool = False) -> Inbox:
    """One conflict; raises ``ConfigError`` CONFLICT_UNKNOWN."""
    return _shown(bench, [conflicts.get(bench.ledger, conflict_id)], 0, show_values=show_values, read=True)


def of_record(bench: Bench, mapping: Mapping, key: str) -> list[dict[str, Any]]:
    """A record's conflicts that are not over, newest first, with deadline: without values, for ``explain``."""
    found = conflicts.conflicts(bench.ledger, mapping.name, key=key, state=None)
    return _records(found[found["state"] != conflicts.CLOSED].iloc[::-1])


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows


def _shown(bench: Bench, rows: list[dict[str, Any]], more: int, *, show_values: bool, read: bool) -> Inbox:
    unread: list[SideError] = []
    made: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(r["mapping"] for r in rows):
        mine = [r for r in rows if r["mapping"] == name]
        mapping = bench.mappings.get(name)
        both = _read(bench, mapping, mine, unread) if mapping and read else Both()
        made |= {r["conflict_id"]: _row(bench, mapping, r, both, show_values=show_values) for r in mine}
    return Inbox([made[r["conflict_id"]] for r in rows], more, unread)


@dataclass(frozen=True)
class Both:
    """Both sides' records of one mapping's conflicts; None where a side was not read. ``by``: author by key."""

    platform: Records | None = None
    salesforce: Records | None = None
    by: pd.Series = field(default_factory=lambda: pd.Series(dtype=TEXT))
    digests: dict[str, np.ndarray] = field(default_factory=dict)


def _read(bench: Bench, mapping: Mapping, rows: Sequence[dict[str, Any]], unread: list[SideError]) -> Both:
    keys = pd.Index([r["key"] for r in rows], dtype=TEXT, name="key").unique()
    ids = base.ids_of(bench.ledger, mapping.name, keys).reindex(keys).astype(TEXT)
    platform, salesforce, by = None, None, pd.Series(dtype=TEXT)
    try:
        platform = bench.platform.fetch(mapping, keys)
    except SideError as error:
        unread.append(error)
    try:
        salesforce = bench.salesforce.fetch(mapping, keys, ids)
        found = bench.salesforce.authors(mapping, salesforce.meta["id"].dropna())
        by = salesforce.meta["id"].map(found.to_dict()).astype(TEXT)
    except SideError as error:
        unread.append(error)
    digest = bench.ledger.digest.bound(mapping)
    sides = {"platform": platform, "salesforce": salesforce}
    return Both(platform, salesforce, by, {n: digest(r.values) for n, r in sides.items() if r is not None and len(r)})


def _row(
    bench: Bench, mapping: Mapping | None, row: dict[str, Any], both: Both, *, show_values: bool
) -> dict[str, Any]:
    sides = {"platform": both.platform, "salesforce": both.salesforce}
    halves = {n: _half(mapping, r, row, n, show_values=show_values) for n, r in sides.items()}
    if halves["salesforce"]["stamp"] and row["key"] in both.by.index:
        by = both.by[row["key"]]
        halves["salesforce"]["by"] = None if pd.isna(by) else str(by)
    return {**row, **_time(mapping, row, bench.as_of), **halves, "as_met": _as_met(mapping, row, both)}


def _half(
    mapping: Mapping | None, records: Records | None, row: dict[str, Any], side: str, *, show_values: bool
) -> dict[str, Any]:
    """One side of a conflict, as people may see it."""
    met = row[f"{side}_stamp"]
    if mapping is None or records is None:
        return {"value": NOT_READ, "stamp": met, "by": None}
    key, name = row["key"], row["field"]
    here = key in records.values.index and not records.meta.at[key, "deleted"]
    if not here or name == RECORD:
        return {"value": "(there)" if here else "(deleted)", "stamp": met, "by": None}
    own = f"changed_at.{name}"
    stamp = records.meta.at[key, own if own in records.meta.columns else "stamp"]
    value = _value(mapping, records, key, name, show_values=show_values)
    return {"value": value, "stamp": met if pd.isna(stamp) else str(stamp), "by": None}


def _value(mapping: Mapping, records: Records, key: str, name: str, *, show_values: bool) -> str:
    if name not in mapping.columns:
        return "(no field of the mapping)"
    if name not in records.observed:
        return "not observed"
    wrong = records.problems[(records.problems["key"] == key) & records.problems["field"].isin([name, ""])]
    if len(wrong):
        return f"refused ({wrong['code'].iloc[0]})"
    masked = mapping.fields[name].pii != "none" and not show_values
    return shown(records.values.at[key, name], masked)


def _time(mapping: Mapping | None, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The deadline (instant, text), whether it has passed, and what happens then."""
    if mapping is None:
        return {"deadline": None, "overdue": False, "then": "wait"}
    end = database.instant_of(row["since"]) + mapping.conflicts.deadline
    then = "wait" if row["code"] in conflicts.FOR_PEOPLE else mapping.conflicts.then
    overdue = row["state"] == conflicts.OPEN and end <= now
    return {"deadline": database.text_of(end), "overdue": overdue, "then": then}


def _as_met(mapping: Mapping | None, row: dict[str, Any], both: Both) -> bool | None:
    """True if the two values are still those the conflict is about."""
    if mapping is None or both.platform is None or both.salesforce is None:
        return None
    if row["field"] == RECORD:
        return row["key"] not in both.salesforce.values.index
    if row["field"] not in mapping.columns:
        return False
    column = mapping.columns.index(row["field"])
    for name, records in (("platform", both.platform), ("salesforce", both.salesforce)):
        at = records.values.index.get_indexer([row["key"]])[0]
        if at < 0 or hexed(both.digests[name][[at], column])[0] != row[f"{name}_digest"]:
            return False
    return True
