"""Canonical values: both sides' raw values as the same text, so that equal things are equal bytes.

Text per type (domain model B.1): text, code, picklist trimmed and in NFC with LF line ends; email lower-cased
(Salesforce lower-cases addresses on save); phone E.164; multipicklist sorted ``A;B``; boolean ``true``/``false``
(null is false: a checkbox knows no null); integer ``42``; money in minor units ``5000``; date ``2026-01-31``;
instant ``2026-01-31T09:00:00Z``; reference the parent's key; user a username or a queue's name. Empty text is null.

A value that cannot be made canonical is null and a problem. A side's value that can never be written to the other
side (Salesforce's copy of a platform-owned field, the platform's copy of an unseeded Salesforce-owned one) is no
problem whatever it is: it keeps its trimmed text, differs, and is overwritten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping.cells import Cells, as_mask, as_text, flat, nulls
from sfsync.mapping.fit import finish
from sfsync.mapping.model import FieldSpec, FieldType, Leaves, Mapping, Owner
from sfsync.mapping.outward import to_csv, to_platform, to_salesforce, with_defaults
from sfsync.mapping.problems import Problems
from sfsync.mapping.transforms import TRANSFORMS
from sfsync.mapping.types import CANONICAL, minor_units, text
from sfsync.mapping.withheld import Context
from sfsync.sides.side import TEXT

__all__ = [
    "Canonical",
    "field_paths",
    "from_platform",
    "from_salesforce",
    "platform_columns",
    "salesforce_paths",
    "to_csv",
    "to_platform",
    "to_salesforce",
    "with_defaults",
]

# Objects whose owner may be a queue: there ``Owner`` is polymorphic and has ``Type``.
QUEUE_OWNED = ("Case", "Lead")


# Transforms of both sides use no clock and no key.
NO_CONTEXT = Context(datetime(1970, 1, 1, tzinfo=UTC), b"")


@dataclass(frozen=True)
class Canonical:
    """Canonical values of one side.

    values    frame indexed by key with columns ``mapping.columns``, ``string[pyarrow]``
    problems  frame ``key``, ``field`` (empty: the whole record), ``code``
    """

    values: pd.DataFrame
    problems: pd.DataFrame


def platform_columns(mapping: Mapping) -> list[str]:
    """Platform columns to read for the synced fields, their change times and the refuse rules; the key excluded."""
    wanted = [
        name for f in mapping.synced for name in (*f.columns, *f.given, *([f.changed_at] if f.changed_at else []))
    ]
    wanted += [name for r in mapping.refuse for name in r.columns]
    return [name for name in dict.fromkeys(wanted) if name != mapping.platform.key]


def salesforce_paths(mapping: Mapping) -> list[str]:
    """API paths to select for the synced fields, the key excluded."""
    wanted = [p for f in mapping.synced for p in field_paths(mapping, f)]
    return [p for p in dict.fromkeys(wanted) if p != mapping.salesforce.key]


def field_paths(mapping: Mapping, field: FieldSpec) -> list[str]:
    """API paths one field is read from: its own, ``also`` of booleans, ``fallback``, and the owner's name and type."""
    paths = [field.salesforce] if field.salesforce else []
    if field.type is FieldType.BOOLEAN:
        paths += field.also  # of other types ``also`` is a copy that is only written
    if field.fallback:
        paths.append(field.fallback)
    queues = mapping.salesforce.object in QUEUE_OWNED or mapping.salesforce.object.endswith("__c")
    if field.type is FieldType.USER and field.salesforce and queues:
        lookup = field.salesforce.rpartition(".")[0]
        paths += [f"{lookup}.Name", f"{lookup}.Type"]
    return paths


def from_platform(mapping: Mapping, raw: pd.DataFrame, *, as_of: datetime, hash_key: bytes) -> Canonical:
    """Canonical values of platform rows.

    ``raw`` is indexed by key with the columns of ``platform_columns``, values as the driver gave them. Raises
    ``ConfigError`` if a hash is needed and ``hash_key`` is empty.
    """
    source = _Source(raw)
    context = Context(as_of, hash_key)
    columns = {f.name: _platform_field(mapping, f, source, context) for f in mapping.synced}
    problems = Problems(raw.index)
    problems.keys(mapping.platform.key_pattern)
    for rule in mapping.refuse:
        refused = TRANSFORMS[rule.transform].run([source.column(mapping, n).values for n in rule.columns], context)
        problems.add("", rule.code, as_mask(pc.equal(refused.values, "true")))
    problems.cells(columns)
    problems.exclusive(mapping, columns)
    return Canonical(_frame(mapping, columns, raw.index), problems.frame())


def from_salesforce(mapping: Mapping, raw: pd.DataFrame, *, me: str = "") -> Canonical:
    """Canonical values of Salesforce records.

    ``raw`` is indexed by key with the columns of ``salesforce_paths``; a column that is missing (not observed) gives
    nulls without problems. ``me`` is the integration user's username: a record it owns has no owner yet.
    """
    source = _Source(raw)
    columns = {f.name: _salesforce_field(mapping, f, source, me) for f in mapping.synced}
    problems = Problems(raw.index)
    problems.cells(columns)  # keys are unique among live records; a deleted twin in the same window is no fault
    return Canonical(_frame(mapping, columns, raw.index), problems.frame())


class _Source:
    """Columns of a raw frame as text, each converted once."""

    def __init__(self, raw: pd.DataFrame) -> None:
        self.raw = raw
        self._done: dict[str, Cells] = {}

    def has(self, name: str) -> bool:
        return name in self.raw.columns

    def column(self, mapping: Mapping, name: str) -> Cells:
        """A column by name; the key column is the index."""
        if name not in self._done:
            whole = self.raw[name] if self.has(name) or name != mapping.platform.key else self.raw.index.to_series()
            cells = as_text(whole)
            self._done[name] = Cells(text(cells.values).values, cells.faults)
        return self._done[name]


def _platform_field(mapping: Mapping, field: FieldSpec, source: _Source, context: Context) -> Cells:
    inputs = [source.column(mapping, n) for n in (*field.columns, *field.given)]
    cells = inputs[0]
    if field.transform:
        done = TRANSFORMS[field.transform].run([i.values for i in inputs], context)
        cells = Cells(done.values, (*(fault for i in inputs for fault in i.faults), *done.faults))
    never_sent = field.owner is Owner.SALESFORCE and not field.seed
    return finish(field, cells, lenient=never_sent and field.leaves is Leaves.YES, needed=not never_sent)


def _salesforce_field(mapping: Mapping, field: FieldSpec, source: _Source, me: str) -> Cells:
    assert field.salesforce
    if not source.has(field.salesforce):
        return Cells(nulls(len(source.raw)))
    cells = source.column(mapping, field.salesforce)
    if field.type is FieldType.BOOLEAN and field.also:
        cells = _strictest(mapping, field, source)
    if field.type is FieldType.USER:
        cells = _owner(mapping, field, source, me)
    if field.fallback and source.has(field.fallback):
        other = source.column(mapping, field.fallback)
        cells = Cells(flat(pc.coalesce(cells.values, other.values)), cells.faults)
    if field.transform and TRANSFORMS[field.transform].both_sides:
        cells = cells.then(lambda v: TRANSFORMS[str(field.transform)].run([v], NO_CONTEXT))
    if field.type is FieldType.MONEY:
        cells = cells.then(minor_units)
    read_back = field.to_platform
    return finish(field, cells, lenient=not read_back, needed=read_back and field.default is None)


def _strictest(mapping: Mapping, field: FieldSpec, source: _Source) -> Cells:
    """A boolean and its copies: the stricter value if any of them has it."""
    word = "true" if field.stricter else "false"
    paths = [p for p in (field.salesforce, *field.also) if p and source.has(p)]
    rows = np.zeros(len(source.raw), dtype=bool)
    for path in paths:
        rows |= as_mask(pc.equal(CANONICAL[FieldType.BOOLEAN](source.column(mapping, path).values).values, word))
    return Cells(flat(pc.if_else(pa.array(rows), word, "false" if field.stricter else "true")))


def _owner(mapping: Mapping, field: FieldSpec, source: _Source, me: str) -> Cells:
    """Username of the owner, or the queue's name; null where we own the record ourselves."""
    assert field.salesforce
    cells = source.column(mapping, field.salesforce)
    lookup = field.salesforce.rpartition(".")[0]
    values = cells.values
    if source.has(f"{lookup}.Type") and source.has(f"{lookup}.Name"):
        queue = pc.is_in(source.column(mapping, f"{lookup}.Type").values, pa.array(["Queue", "Group"]))
        values = pc.if_else(queue, source.column(mapping, f"{lookup}.Name").values, values)
    if me:
        ours = pc.fill_null(pc.equal(pc.utf8_lower(values), me.lower()), False)
        values = pc.if_else(ours, pa.scalar(None, pa.string()), values)
    return Cells(flat(values), cells.faults)


def _frame(mapping: Mapping, columns: dict[str, Cells], index: pd.Index) -> pd.DataFrame:
    """The canonical frame: columns in the mapping's order, index text."""
    keys = pd.Index(pd.array(pa.array(as_text(index.to_series()).values), dtype=TEXT), name="key")
    data = {n: pd.array(columns[n].values, dtype=TEXT) for n in mapping.columns}
    return pd.DataFrame(data, index=keys)
