"""A plan for people: the same stages that ``apply`` walks, with nothing that could write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfsync.mapping.model import FieldSpec, Mapping, Owner
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import DELETE, LANES, Cause, Changes

MASK = "••••"


@dataclass(frozen=True)
class Line:
    """One cell that would be written: where, from what to what, and why."""

    mapping: str
    side: str
    kind: str
    key: str
    field: str
    before: str
    after: str
    because: str


def lines(folder: PlanFolder, mappings: dict[str, Mapping], *, show_values: bool = False) -> Iterator[Line]:
    """The field-level diff, in the order it would be written. Personal values are masked unless asked for."""
    assert folder.header is not None
    for lane in LANES:
        for name in folder.header.order:
            for segment in folder.segments(name):
                yield from _lines(mappings[name], segment.changes.select(lane=lane), show_values)


def _lines(mapping: Mapping, changes: Changes, show_values: bool) -> Iterator[Line]:
    rows, columns = np.nonzero(changes.touched)
    fields = mapping.synced
    for row, column in zip(rows, columns, strict=True):
        field, info = fields[column], changes.rows.iloc[row]
        masked = field.pii != "none" and not show_values
        yield Line(
            mapping.name,
            info["side"],
            info["kind"],
            info["key"],
            field.name,
            shown(changes.before.iat[row, column], masked),
            "deleted" if info["kind"] == DELETE else shown(changes.after.iat[row, column], masked),
            because(int(changes.cause[row, column]), field, info["side"]),
        )


def shown(value: object, masked: bool) -> str:
    """A value as a person sees it: ``∅`` for null, dots for what is nobody's business on a screen."""
    if value is None or pd.isna(value):
        return "∅"
    return MASK if masked else str(value)


def because(cause: int, field: FieldSpec, side: str) -> str:
    """Says in words why a cell is written to ``side``."""
    other = "platform" if side == "salesforce" else "Salesforce"
    here = "Salesforce" if side == "salesforce" else "the platform"
    if cause == Cause.NEW:
        return f"new record from {'the platform' if other == 'platform' else other}"
    words = {
        Cause.CYCLE: "link set after both records exist",
        Cause.DECIDED: "decided by a person",
        Cause.UNDO: "undo",
        Cause.DEFAULT: "the mapping's default for a new record",
    }
    if cause in words:
        return words[Cause(cause)]
    changed = "platform" if cause == Cause.TO_SALESFORCE else "Salesforce"
    if cause in (Cause.TO_SALESFORCE, Cause.TO_PLATFORM) and changed == other:
        return f"changed on {'the platform' if other == 'platform' else other}"
    if field.owner is Owner.STRICTER:
        return "the stricter value wins"
    if field.owner is Owner.NEWEST:
        return "changed on both sides; the newer wins"
    if field.owner is Owner.EARLIEST:
        return "the earlier instant wins"
    owner = "the platform" if field.owner is Owner.PLATFORM else "Salesforce"
    return f"{owner} owns {field.name}; {here} differed"
