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

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping.cells import Cells, as_mask, flat, nulls
from sfsync.mapping.fit import finish
from sfsync.mapping.model import FieldSpec, FieldType, Leaves, Mapping, Owner
from sfsync.mapping.outward import to_csv, to_platform, to_salesforce, with_defaults
from sfsync.mapping.problems import Problems
from sfsync.mapping.source import Raw, Source
from sfsync.mapping.transforms import TRANSFORMS
from sfsync.mapping.types import CANONICAL, minor_units
from sfsync.mapping.withheld import Context
from sfsync.sides.columns import frame
from sfsync.sides.side import TEXT

__all__ = [
    "Canonical",
    "Raw",
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


def from_platform(mapping: Mapping, raw: pd.DataFrame | Raw, *, as_of: datetime, hash_key: bytes) -> Canonical:
    """Canonical values of platform rows.

    ``raw`` has the columns of ``platform_columns`` (a frame: indexed by key), values as the driver gave them. Raises
    ``ConfigError`` if a hash is needed and ``hash_key`` is empty.
    """
    source = Source(raw if isinstance(raw, Raw) else Raw.of(raw), mapping.platform.key)
    context = Context(as_of, hash_key)
    columns = {f.name: _platform_field(f, source, context) for f in mapping.synced}
    problems = Problems(source.raw.keys)
    problems.keys(mapping.platform.key_pattern)
    for rule in mapping.refuse:
        refused = TRANSFORMS[rule.transform].run([source.column(n).values for n in rule.columns], context)
        problems.add("", rule.code, as_mask(pc.equal(refused.values, "true")))
    problems.cells(columns)
    problems.exclusive(mapping, columns)
    return Canonical(_frame(mapping, columns, source.raw.keys), problems.frame())


def from_salesforce(mapping: Mapping, raw: pd.DataFrame | Raw, *, me: str = "") -> Canonical:
    """Canonical values of Salesforce records.

    ``raw`` has the columns of ``salesforce_paths`` (a frame: indexed by key); a column that is missing (not observed)
    gives nulls without problems. ``me`` is the integration user's username: a record it owns has no owner yet.
    """
    source = Source(raw if isinstance(raw, Raw) else Raw.of(raw))
    columns = {f.name: _salesforce_field(f, source, me) for f in mapping.synced}
    problems = Problems(source.raw.keys)
    problems.cells(columns)  # keys are unique among live records; a deleted twin in the same window is no fault
    return Canonical(_frame(mapping, columns, source.raw.keys), problems.frame())


def _platform_field(field: FieldSpec, source: Source, context: Context) -> Cells:
    return source.each((*field.columns, *field.given), lambda inputs: _from_inputs(field, inputs, context))


def _from_inputs(field: FieldSpec, inputs: Sequence[Cells], context: Context) -> Cells:
    cells = inputs[0]
    if field.transform:
        done = TRANSFORMS[field.transform].run([i.values for i in inputs], context)
        cells = Cells(done.values, (*(fault for i in inputs for fault in i.faults), *done.faults))
    never_sent = field.owner is Owner.SALESFORCE and not field.seed
    return finish(field, cells, lenient=never_sent and field.leaves is Leaves.YES, needed=not never_sent)


def _salesforce_field(field: FieldSpec, source: Source, me: str) -> Cells:
    assert field.salesforce
    if not source.has(field.salesforce):
        return Cells(nulls(len(source.raw.keys)))
    if field.type is FieldType.BOOLEAN and field.also:
        return _from_raw(field, _strictest(field, source))
    if field.type is FieldType.USER:
        return _from_raw(field, _owner(field, source, me))
    if field.fallback and source.has(field.fallback):
        cells, other = source.column(field.salesforce), source.column(field.fallback)
        return _from_raw(field, Cells(flat(pc.coalesce(cells.values, other.values)), cells.faults))
    return source.each([field.salesforce], lambda inputs: _from_raw(field, inputs[0]))


def _from_raw(field: FieldSpec, cells: Cells) -> Cells:
    if field.transform and TRANSFORMS[field.transform].both_sides:
        cells = cells.then(lambda v: TRANSFORMS[str(field.transform)].run([v], NO_CONTEXT))
    if field.type is FieldType.MONEY:
        cells = cells.then(minor_units)
    read_back = field.to_platform
    return finish(field, cells, lenient=not read_back, needed=read_back and field.default is None)


def _strictest(field: FieldSpec, source: Source) -> Cells:
    """A boolean and its copies: the stricter value if any of them has it."""
    word = "true" if field.stricter else "false"
    paths = [p for p in (field.salesforce, *field.also) if p and source.has(p)]
    rows = np.zeros(len(source.raw.keys), dtype=bool)
    for path in paths:
        said = source.each([path], lambda inputs: CANONICAL[FieldType.BOOLEAN](inputs[0].values))
        rows |= as_mask(pc.equal(said.values, word))
    return Cells(flat(pc.if_else(pa.array(rows), word, "false" if field.stricter else "true")))


def _owner(field: FieldSpec, source: Source, me: str) -> Cells:
    """Username of the owner, or the queue's name; null where we own the record ourselves."""
    assert field.salesforce
    cells = source.column(field.salesforce)
    lookup = field.salesforce.rpartition(".")[0]
    values = cells.values
    if source.has(f"{lookup}.Type") and source.has(f"{lookup}.Name"):
        queue = pc.is_in(source.column(f"{lookup}.Type").values, pa.array(["Queue", "Group"]))
        values = pc.if_else(queue, source.column(f"{lookup}.Name").values, values)
    if me:
        ours = pc.fill_null(pc.equal(pc.utf8_lower(values), me.lower()), False)
        values = pc.if_else(ours, pa.scalar(None, pa.string()), values)
    return Cells(flat(values), cells.faults)


def _frame(mapping: Mapping, columns: dict[str, Cells], keys: pa.Array) -> pd.DataFrame:
    """The canonical frame: columns in the mapping's order, index text."""
    index = pd.Index(pd.array(keys, dtype=TEXT), name="key")
    return frame({n: columns[n].values for n in mapping.columns}, index)
