"""Findings that stop a run before its first write. Each can be waived by name for one run.

Pure: numbers in, findings out. The numbers are gathered while the plan is made (``Sizes``), so that a plan is
judged as a whole, however many segments it has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np

from sfsync.mapping.model import Mapping
from sfsync.merge.align import Aligned
from sfsync.sides.side import Finding

SIDE_EMPTY = "SIDE_EMPTY"
MASS_CHANGE = "MASS_CHANGE"
MASS_ARCHIVE = "MASS_ARCHIVE"
COLUMN_NULL = "COLUMN_NULL"
KEY_TWICE = "KEY_TWICE"
OTHER_ORG = "OTHER_ORG"
OTHER_DATABASE = "OTHER_DATABASE"

NULL = np.uint64(1)


@dataclass
class Sizes:
    """What one mapping's plan amounts to. ``complete`` per side: everything was read, not a window."""

    base: int = 0
    read: Counter[str] = field(default_factory=Counter)
    complete: dict[str, bool] = field(default_factory=dict)
    changed: Counter[str] = field(default_factory=Counter)  # records to update, per side written
    archived: Counter[str] = field(default_factory=Counter)
    twice: Counter[str] = field(default_factory=Counter)
    nulled: Counter[tuple[str, str]] = field(default_factory=Counter)  # (side, field): base had a value, now null
    valued: Counter[tuple[str, str]] = field(default_factory=Counter)  # (side, field): still has a value

    def untouched(self, side: str, columns: tuple[str, ...], digests: np.ndarray) -> None:
        """Records that look like their base (digests n x f): their values are there."""
        for name, there in zip(columns, (digests > NULL).sum(axis=0), strict=True):
            self.valued[side, name] += int(there)

    def look(self, a: Aligned) -> None:
        """Counts, per side and field, values that became null and values that are there."""
        had = a.b > NULL
        for side, now in (("platform", a.p), ("salesforce", a.s)):
            nulled, valued = (had & (now == NULL)).sum(axis=0), (now > NULL).sum(axis=0)
            for name, gone, there in zip(a.mapping.columns, nulled, valued, strict=True):
                self.nulled[side, name] += int(gone)
                self.valued[side, name] += int(there)


def check(mapping: Mapping, sizes: Sizes) -> list[Finding]:
    """All guard findings of one mapping."""
    return [*_empty(mapping, sizes), *_mass(mapping, sizes), *_null_columns(mapping, sizes), *_twice(mapping, sizes)]


class Judged(Protocol):
    """Anything with a code and a level: a finding, or a finding as it stands in a plan's header."""

    @property
    def code(self) -> str: ...
    @property
    def level(self) -> str: ...


J = TypeVar("J", bound=Judged)


def stopping(findings: Iterable[J], waived: Iterable[str]) -> list[J]:
    """The findings of level error that nobody waived."""
    allowed = {w.upper() for w in waived}
    return [f for f in findings if f.level == "error" and f.code not in allowed]


def _finding(mapping: Mapping, code: str, message: str, if_meant: str) -> Finding:
    step = f"If this is meant: sfsync sync {mapping.name} --waive {code}. {if_meant}"
    return Finding(code, message, "error", mapping.name, next_step=step.strip())


def _empty(mapping: Mapping, z: Sizes) -> Iterable[Finding]:
    for side, complete in z.complete.items():
        if complete and not z.read[side] and z.base:
            yield _finding(
                mapping,
                SIDE_EMPTY,
                f"{side} delivered no {mapping.name} at all, though {z.base:,} are known",
                "Check the connection string, the permissions and the table first.",
            )


def _mass(mapping: Mapping, z: Sizes) -> Iterable[Finding]:
    limits = mapping.guards
    for side in ("salesforce", "platform"):
        changed, archived = z.changed[side], z.archived[side]
        too_many = changed > limits.max_changed_records
        if too_many or _share(changed, z, limits.min_base) > limits.max_changed_percent:
            text = f"{changed:,} of {z.base:,} known {mapping.name} records would change on {side}"
            yield _finding(mapping, MASS_CHANGE, text, "Look first: sfsync plan " + mapping.name)
        if _share(archived, z, limits.min_base) > limits.max_archived_percent:
            text = f"{archived:,} of {z.base:,} known {mapping.name} records would be archived on {side}"
            yield _finding(mapping, MASS_ARCHIVE, text, "")


def _share(count: int, z: Sizes, min_base: int) -> float:
    return 100 * count / z.base if z.base >= max(min_base, 1) else 0.0


def _null_columns(mapping: Mapping, z: Sizes) -> Iterable[Finding]:
    for (side, name), gone in z.nulled.items():
        few = 2 if z.complete.get(side) else max(10, mapping.guards.min_base // 20)  # a window shows only some records
        if gone >= few and not z.valued[side, name]:
            text = f"{side} delivered {name} empty for all {gone:,} records that had a value"
            yield _finding(mapping, COLUMN_NULL, text, "Usually a failed extract or a lost field permission.")


def _twice(mapping: Mapping, z: Sizes) -> Iterable[Finding]:
    for side, count in z.twice.items():
        if count:
            text = f"{count:,} {mapping.name} keys occur more than once on {side} (upper and lower case are one key)"
            yield _finding(mapping, KEY_TWICE, text, "Waived, those records are refused and the others go on.")
