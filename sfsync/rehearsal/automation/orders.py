"""Automation on order: after a save, something in the org changes what was written, as a trigger or a flow would.

An order says for which object, ``when`` which fields have which values, and what it sets: values, or formulas as
``{"formula": "UPPER(Name)"}``. It hits ``times`` rows (None: always) with ``probability``, rolled from ``seed``, so a
run can be repeated. SystemModstamp moves, ``delay_s`` seconds after the save, LastModifiedDate stays: that is what
automated changes look like from outside (wire reference 10). Orders and their counts are kept with the rows they hit.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sfsync.rehearsal.automation.rows import Rows
from sfsync.rehearsal.clock import instant
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.convert import convert
from sfsync.rehearsal.dml.rows import Stored
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.formula import FormulaError, Scope, bind, evaluate
from sfsync.rehearsal.formula.values import Failure, Value
from sfsync.rehearsal.schema.model import Schema, SObject
from sfsync.rehearsal.store import state
from sfsync.rehearsal.store.tables import quoted

KIND = "automation"
_SYSTEM = frozenset({"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp", "Id"})


@dataclass(frozen=True, slots=True)
class AutomationOrder:
    """``seen`` rows it has looked at that fitted, ``hits`` of them changed."""

    object: str
    set: Mapping[str, Any]
    when: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    delay_s: int = 0
    seen: int = 0
    hits: int = 0


def order(schema: Schema, body: Mapping[str, Any]) -> dict[str, Any]:
    """An order as it is kept, from what the control plane was told. Raises ValueError with what is wrong."""
    known = set(AutomationOrder.__dataclass_fields__) - {"seen", "hits"}
    if strange := sorted(set(body) - known):
        raise ValueError(f"an automation order has no {', '.join(strange)}; it has {', '.join(sorted(known))}")
    obj = schema.find(str(body.get("object", "")))
    if obj is None:
        raise ValueError(f"there is no object {body.get('object')}")
    values, when = body.get("set"), body.get("when") or {}
    if not isinstance(values, Mapping) or not values or not isinstance(when, Mapping):
        raise ValueError('an automation order needs "set": {field: value} and may have "when": {field: value}')
    given = {**body, "object": obj.name, "set": _named(obj, values), "when": _named(obj, when)}
    for name, value in given["set"].items():
        _check(schema, obj, name, value)
    return asdict(AutomationOrder(**given))


def _named(obj: SObject, values: Mapping[str, Any]) -> dict[str, Any]:
    named = {}
    for name, value in values.items():
        found = obj.find(name)
        if found is None or not found.stored:
            raise ValueError(f"{obj.name} has no field {name}")
        named[found.name] = value
    return named


def _check(schema: Schema, obj: SObject, name: str, value: Any) -> None:
    if name in _SYSTEM:
        raise ValueError(f"{name} cannot be set by automation")
    try:
        if isinstance(value, Mapping):
            bind(str(value.get("formula", "")), Scope(schema, obj))
            return
        trial = Batch(obj, 1, {name: [value]})
        convert(trial)
        if trial.errors:
            raise ValueError(trial.errors[0][0].message)
    except (FormulaError, OrgError) as wrong:
        raise ValueError(f"{name}: {wrong}") from wrong


def run(work: Work, batch: Batch, ids: Sequence[str]) -> None:
    """Lets the orders for this object loose on rows that were just written; ``batch`` follows what they change."""
    for key, kept in state.listed(work.database, KIND):
        if kept["object"] == batch.obj.name:
            _run_one(work, batch, ids, key, AutomationOrder(**kept))


def _run_one(work: Work, batch: Batch, ids: Sequence[str], key: str, one: AutomationOrder) -> None:
    fitting = _fitting(work, batch.obj, ids, one)
    hit = _struck(one, fitting)
    if fitting:
        counted = replace(one, seen=one.seen + len(fitting), hits=one.hits + len(hit))
        state.put(work.database, KIND, key, asdict(counted))
    if hit:
        _change(work, batch, ids, hit, one)


def _fitting(work: Work, obj: SObject, ids: Sequence[str], one: AutomationOrder) -> list[int]:
    if not one.when:
        return list(range(len(ids)))
    stored = Stored(work.database, obj, ids, one.when)
    columns = [(stored[name], wanted) for name, wanted in one.when.items()]
    return [row for row in range(len(ids)) if all(_same(values[row], wanted) for values, wanted in columns)]


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool):
        return bool(value) is wanted
    return value == wanted or (value is not None and wanted is not None and str(value) == str(wanted))


def _struck(one: AutomationOrder, fitting: Sequence[int]) -> list[int]:
    """The rows that are hit: a row's roll depends on the seed and on how many were seen before it."""
    hit: list[int] = []
    for count, row in enumerate(fitting, start=one.seen):
        left = one.times is None or one.hits + len(hit) < one.times
        if left and random.Random(f"{one.seed}:{count}").random() < one.probability:  # noqa: S311 - repeatable
            hit.append(row)
    return hit


def _change(work: Work, batch: Batch, ids: Sequence[str], hit: Sequence[int], one: AutomationOrder) -> None:
    mine = [ids[row] for row in hit]
    made = Batch(batch.obj, len(mine), _values(work, batch.obj, mine, one))
    convert(made)
    columns: dict[str, list[Any]] = {}
    for name, values in made.columns.items():
        found = batch.obj.find(name)
        assert found is not None
        columns[name] = [False if value is None and found.type == "boolean" else value for value in values]
        if found.indexed:
            columns[found.key_column] = [found.key(value) for value in values]
    moved = instant(datetime.fromisoformat(work.stamp) + timedelta(seconds=one.delay_s))
    columns["SystemModstamp"] = [moved] * len(mine)
    sets = ", ".join(f"{quoted(name)} = ?" for name in columns)
    sql = f"UPDATE {quoted(batch.obj.name)} SET {sets} WHERE Id = ?"  # noqa: S608 - schema names
    work.database.many(sql, zip(*columns.values(), mine, strict=True))
    _tell(batch, hit, made.columns)


def _values(work: Work, obj: SObject, ids: Sequence[str], one: AutomationOrder) -> dict[str, list[Any]]:
    rows = Rows.stored(work, obj, ids)
    columns: dict[str, list[Any]] = {}
    for name, value in one.set.items():
        if isinstance(value, Mapping):
            formula = bind(str(value["formula"]), Scope(work.schema, obj))
            columns[name] = [_plain(each) for each in evaluate(formula, rows)]
        else:
            columns[name] = [value] * len(ids)
    return columns


def _plain(value: Value) -> Any:
    """A formula's value as a caller would have sent it."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Failure):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _tell(batch: Batch, hit: Sequence[int], changed: Mapping[str, list[Any]]) -> None:
    """What the save wrote is what history and change events go by: they see the value that stayed."""
    for name, values in changed.items():
        if name in batch.columns:
            column = list(batch.columns[name])
            for row, value in zip(hit, values, strict=True):
                column[row] = value
            batch.columns[name] = column
