"""Reading: what changed in a window, and given records as they are now.

Changes are read by keyset on (SystemModstamp, Id) over ``queryAll``, so deletions are seen and any number of records
may share one stamp. Three ways, by how much is expected: pages by keyset; up to five ranges of the window per call;
a Bulk query. Rows marked deleted are handed out last, and only if no live record has their key: a record deleted and
made again must not look deleted. Source: SYNC "Windows that lose nothing", wire reference 9 and 12.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pandas as pd

from sfsync.sides.columns import within
from sfsync.sides.salesforce import soql
from sfsync.sides.salesforce.bulk_query import BulkQuery
from sfsync.sides.salesforce.frames import View, deleted_rows, from_json, to_records
from sfsync.sides.salesforce.ids import to18
from sfsync.sides.salesforce.query import Page, Queries
from sfsync.sides.salesforce.ways import Ways
from sfsync.sides.side import TEXT, Records, Span, Window, concat, empty_problems

ORDER = "SystemModstamp, Id"

# How much wider than a load its stamps are looked for. The org tells whole seconds, so its time as we know it is never
# ahead of it, and up to two seconds behind; a wider look would read much of the loads before and after.
EARLIER, LATER = timedelta(seconds=1), timedelta(seconds=2)

Unkeyed = Callable[[str, int], None]
Lists = Callable[[list[str], int, int], Iterator[str]]  # of values, a room and a number: conditions that hold them all


class Reader:
    """Reads records of a view; ``unkeyed`` is told how many rows were left out for want of a key."""

    def __init__(self, queries: Queries, bulk: BulkQuery, unkeyed: Unkeyed, ways: Ways) -> None:
        self._queries = queries
        self._bulk = bulk
        self._unkeyed = unkeyed
        self._ways = ways

    def changes(self, view: View, window: Window, bounds: Sequence[tuple[str, str]], me: str) -> Iterator[Records]:
        """Records whose stamp lies in the window, see the module's text."""
        seen: list[pd.Index] = []
        deleted: list[Records] = []
        for raw in self._frames(view, window.since, bounds):
            gone = deleted_rows(raw)
            if gone.any():
                deleted.append(self._records(view, raw[gone], me))
            live = self._records(view, raw[~gone] if gone.any() else raw, me)
            if len(live):
                seen.append(live.values.index)
                yield live
        if deleted:
            yield _without(concat(view.mapping, deleted), seen)

    def _records(self, view: View, raw: pd.DataFrame, me: str) -> Records:
        records, left_out = to_records(view, raw, me)
        self._unkeyed(view.mapping.name, left_out)
        return records

    def _frames(self, view: View, since: datetime | None, bounds: Sequence[tuple[str, str]]) -> Iterator[pd.DataFrame]:
        scope = [record_types(view), f"SystemModstamp >= {soql.instant(since)}" if since else ""]
        if len(bounds) > self._ways.bulk_from:
            yield from self._bulk.frames(_ask(view, scope, ordered=False), view.selected, len(bounds))
        elif len(bounds) > self._ways.ranges_from:
            yield from self._ranges(view, scope, bounds)
        else:
            yield from self._pages(view, scope)

    def _pages(self, view: View, scope: list[str]) -> Iterator[pd.DataFrame]:
        first = self._queries.page(_ask(view, scope), deleted=True)
        if first.total > self._ways.bulk_from:
            yield from self._bulk.frames(_ask(view, scope, ordered=False), view.selected, first.total)
        else:
            yield from self._continued(view, scope, first)

    def _ranges(self, view: View, scope: list[str], bounds: Sequence[tuple[str, str]]) -> Iterator[pd.DataFrame]:
        rows = max(1, int(view.info.page_rows(view.paths) * 0.95))
        pieces = [[*scope, piece] for piece in soql.ranges(bounds, rows)]
        for start in range(0, len(pieces), 5):
            some = pieces[start : start + 5]
            firsts = self._queries.first_pages([_ask(view, p) for p in some], deleted=True)
            for piece, first in zip(some, firsts, strict=True):
                yield from self._continued(view, piece, first)

    def _continued(self, view: View, scope: list[str], page: Page) -> Iterator[pd.DataFrame]:
        """The page and, by keyset, what follows it."""
        while page.rows:
            yield from_json(page.rows, view.selected)
            if page.done:
                return
            last = page.rows[-1]
            beyond = soql.after(last["SystemModstamp"], last["Id"])
            page = self._queries.page(_ask(view, [*scope, beyond]), deleted=True)

    def fetch(self, view: View, keys: pd.Index, ids: pd.Series | None, me: str) -> Records:
        """The live records with these ids (named by the given keys) or, where there is no id, with these keys."""
        asked = pd.Series(keys, dtype=TEXT)
        known = pd.Series(pd.NA, index=asked.index, dtype=TEXT) if ids is None else _ids(ids)
        by_id = known.notna()
        parts = [
            self._by_id(view, asked[by_id], known[by_id], me),
            self._by_key(view, asked[~by_id], me),
        ]
        return concat(view.mapping, [p for p in parts if p is not None])

    def _by_id(self, view: View, keys: pd.Series, ids: pd.Series, me: str) -> Records | None:
        raw = self._looked_up(view, ids, soql.id_lists)
        if raw is None:
            return None
        named = pd.DataFrame({"Id": ids, "asked": keys}).merge(raw, on="Id", how="inner")
        return to_records(view, named, me, keys=named["asked"].astype(TEXT))[0]

    def _by_key(self, view: View, keys: pd.Series, me: str) -> Records | None:
        raw = self._looked_up(view, keys, partial(soql.in_lists, view.mapping.salesforce.key))
        return None if raw is None else to_records(view, raw, me)[0]

    def _looked_up(self, view: View, values: pd.Series, lists: Lists) -> pd.DataFrame | None:
        wanted = values.dropna().unique().tolist()
        if not wanted:
            return None
        room = soql.URL_CHARS - len(soql.encoded(soql.select(view.selected, view.info.name, "()")))
        most = view.info.page_rows(view.paths)
        asks = [soql.select(view.selected, view.info.name, c) for c in lists(wanted, max(room, 1_000), most)]
        frames = [from_json(p.rows, view.selected) for p in self._queries.all_pages(asks, closing=True) if p.rows]
        return pd.concat(frames, ignore_index=True) if frames else None

    def settled(self, view: View, ids: pd.Series, during: Span | None, me: str) -> Records:
        """Records just written, ``ids`` by key; many are read by one Bulk query of what was stamped at that time.

        A record that query does not show (somebody has changed or deleted it since) is looked up.
        """
        if during is None or len(ids) <= self._ways.settle_from:
            return self.fetch(view, ids.index, ids, me)
        since, until = (soql.instant(t) for t in (during[0] - EARLIER, during[1] + LATER))
        scope = [record_types(view), f"SystemModstamp >= {since}", f"SystemModstamp <= {until}", *_between(ids)]
        found = []
        for raw in self._bulk.frames(_ask(view, scope, ordered=False), view.selected, len(ids)):
            records = to_records(view, raw[~deleted_rows(raw)], me)[0]
            mine = within(records.values.index, ids.index)
            found.append(Records(records.values[mine], records.meta[mine], records.observed, empty_problems()))
        seen = concat(view.mapping, found)
        rest = ids[~within(ids.index, seen.values.index)]
        return concat(view.mapping, [seen, self.fetch(view, rest.index, rest, me)]) if len(rest) else seen


def _between(ids: pd.Series) -> list[str]:
    """Conditions that hold for all of these ids, and for few of what was written shortly before and after."""
    known = _ids(ids.dropna())
    return [f"Id >= {soql.quote(known.min())}", f"Id <= {soql.quote(known.max())}"] if len(known) else []


def record_types(view: View) -> str:
    """The condition that keeps other mappings' records of the same object out.

    Where records are born in Salesforce, one made without a record type (the master type) is one of ours too.
    """
    names = view.mapping.salesforce.record_types
    if not names:
        return ""
    named = f"RecordType.DeveloperName IN ({','.join(soql.quote(n) for n in names)})"
    return f"(RecordTypeId = null OR {named})" if view.mapping.salesforce.born else named


def _without(records: Records, seen: list[pd.Index]) -> Records:
    """Deleted records whose key no live one has; what is wrong with their values matters to nobody any more."""
    alive = records.values.index.isin(seen[0].append(seen[1:])) if seen else np.zeros(len(records), bool)
    return Records(records.values[~alive], records.meta[~alive], records.observed, empty_problems())


def _ask(view: View, scope: list[str], *, ordered: bool = True) -> str:
    return soql.select(view.selected, view.info.name, soql.all_of(scope), ORDER if ordered else "")


def _ids(ids: pd.Series) -> pd.Series:
    text = ids.astype(TEXT).reset_index(drop=True)
    return text.map(to18, na_action="ignore").astype(TEXT)
