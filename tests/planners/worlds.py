"""Plans of literal worlds: two sides in memory, a literal memory instead of a ledger, a plan in a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sfsync.ledger.digest import KeyedDigest
from sfsync.mapping.model import Mapping
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Changes, Header, Segment, join
from sfsync.planners.sync.make import Sources, make
from sfsync.planners.sync.recall import Recall
from sfsync.sides.memory import MemorySide
from sfsync.sides.side import TEXT

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
DIGEST = KeyedDigest(b"1" * 32)


def mapping(name: str = "shop", fields: dict[str, dict[str, Any]] | None = None, **more: Any) -> Mapping:
    """A mapping of these fields, every name the same on both sides."""
    named = {n: {"platform": n, "salesforce": f"{n}__c", **s} for n, s in (fields or {"name": {}, "city": {}}).items()}
    sides = {"platform": {"table": name, "key": "key"}, "salesforce": {"object": f"{name}__c", "key": "Key__c"}}
    return Mapping.model_validate({"mapping": name, **sides, "fields": named, **more})


@dataclass
class Remembered:
    """What was agreed, as people would write it down: ``agreed[mapping][key][field]``."""

    agreed: dict[str, dict[str, dict[str, str | None]]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    open: dict[str, list[str]] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)

    def recall(self, mapping: Mapping, keys: pd.Index) -> Recall:
        known = self.agreed.get(mapping.name, {})
        rows = [known.get(str(k), {}) for k in keys]
        frame = pd.DataFrame({c: [r.get(c) for r in rows] for c in mapping.columns}, index=keys).astype(TEXT)
        digests = DIGEST.frame(frame, mapping)
        digests[~keys.isin(list(known))] = 0
        state = [self.state.get(str(k), "synced") if str(k) in known else None for k in keys]
        return Recall(
            digests,
            pd.Series([self.ids.get(str(k)) for k in keys], index=keys, dtype=TEXT),
            pd.Series(state, index=keys, dtype=TEXT),
            np.zeros(digests.shape, bool),
            lambda columns, keys, p, s: np.zeros(p.shape, np.int8),
            pd.DataFrame(columns=["key", "side", "code", "digest", "status"], dtype=TEXT),
            keys.isin(self.open.get(mapping.name, [])),
        )

    def known_parents(self, mapping: str, keys: pd.Index) -> np.ndarray:
        return keys.isin(list(self.agreed.get(mapping, {})))

    def open_keys(self, mapping: Mapping) -> list[str]:
        return list(self.open.get(mapping.name, []))

    def loads(self, mapping: Mapping) -> list[tuple[str, str, int]]:
        """None."""
        return []

    def bounds(self, mapping: Mapping, since: str) -> list[tuple[str, str]]:
        return []

    def size(self, mapping: Mapping) -> int:
        return len(self.agreed.get(mapping.name, {}))


class World:
    """Both sides, what is remembered, and the plans made of it."""

    def __init__(self, *mappings: Mapping, page_rows: int = 1_000) -> None:
        self.mappings = {m.name: m for m in mappings}
        self.platform = MemorySide("platform", now=NOW, page_rows=page_rows)
        self.salesforce = MemorySide("salesforce", now=NOW, page_rows=page_rows)
        self.memory = Remembered()
        self.users: Callable[[list[str]], set[str]] = lambda names: set()

    def agree(self, mapping: Mapping, rows: dict[str, dict[str, str | None]]) -> None:
        """Records both sides hold and agree on."""
        self.platform.put(mapping, rows)
        self.salesforce.put(mapping, rows)
        known = self.memory.agreed.setdefault(mapping.name, {})
        known.update({k: dict(v) for k, v in rows.items()})
        self.memory.ids |= {r.key: r.id for r in self.salesforce._rows(mapping)}

    def plan(self, path: Path, *, since: datetime | None = None, as_of: datetime = NOW) -> PlanFolder:
        """A plan of everything as it is now."""
        folder = PlanFolder.create(path)
        sources = Sources(
            mappings=self.mappings,
            platform=self.platform,
            salesforce=self.salesforce,
            memory=self.memory,
            watermark=lambda name, side: since,
            generation=lambda name: 3,
            digest=DIGEST.bound,
            users=self.users,
            as_of=as_of,
        )
        make(sources, folder)
        return PlanFolder.open(path)


def header(folder: PlanFolder) -> Header:
    """The plan's header."""
    assert folder.header is not None
    return folder.header


def changes(folder: PlanFolder, mapping: Mapping) -> Changes:
    """All changes of one mapping."""
    return join(mapping.columns, [s.changes for s in segments(folder, mapping)])


def segments(folder: PlanFolder, mapping: Mapping) -> list[Segment]:
    """All segments of one mapping."""
    return list(folder.segments(mapping.name))


def cells(found: Changes) -> set[tuple[str, str, str, str, str, str | None]]:
    """(side, kind, lane, key, field, value) of every touched cell; rows without one appear with an empty field."""
    touched = set()
    for row, column in zip(*np.nonzero(found.touched), strict=True):
        info, value = found.rows.iloc[row], found.after.iat[row, column]
        touched.add((info["side"], info["kind"], info["lane"], info["key"], found.after.columns[column], _text(value)))
    for row in np.flatnonzero(~found.touched.any(axis=1)):
        info = found.rows.iloc[row]
        touched.add((info["side"], info["kind"], info["lane"], info["key"], "", None))
    return touched


def issues(folder: PlanFolder, mapping: Mapping) -> set[tuple[str, ...]]:
    """(key, status, code, field, waits_mapping, waits_key) of everything that cannot be written."""
    names = ["key", "status", "code", "field", "waits_mapping", "waits_key"]
    rows = pd.concat([s.issues[names] for s in segments(folder, mapping)] or [pd.DataFrame(columns=names)])
    return {tuple(r) for r in rows.fillna("").to_numpy()}


def codes(folder: PlanFolder) -> list[str]:
    """The findings that would stop a run."""
    return [f.code for f in header(folder).findings if f.level == "error"]


def _text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)


def rows_of(count: int, *, start: int = 0, prefix: str = "K", **values: str | None) -> dict[str, dict[str, Any]]:
    """Literal rows with running keys."""
    return {f"{prefix}{n:04}": {"name": f"Nome {n}", "city": "Roma", **values} for n in range(start, start + count)}
