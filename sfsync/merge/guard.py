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
import pandas as pd

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
OTHER_MAPPING = "OTHER_MAPPING"
BACKFILL = "BACKFILL"
SIDE_SHORT = "SIDE_SHORT"
MASS_CHANGE_DAY = "MASS_CHANGE_DAY"

NULL = 1


@dataclass
class Sizes:
    """What one mapping's plan amounts to. ``complete`` per side: everything was read, not a window."""

    base: int = 0
    read: Counter[str] = field(default_factory=Counter)
    complete: dict[str, bool] = field(default_factory=dict)
    filling: frozenset[str] = frozenset()  # fields that are being filled everywhere
    changed: Counter[str] = field(default_factory=Counter)  # records to update, per side written
    filled: Counter[str] = field(default_factory=Counter)  # records to update only in fields that are being filled
    missing: Counter[str] = field(default_factory=Counter)  # known records a complete read did not deliver
    missed: dict[str, int] = field(default_factory=dict)  # the same, of the last complete read
    today: Counter[str] = field(default_factory=Counter)  # records updated within a day before this plan
    archived: Counter[str] = field(default_factory=Counter)
    twice: Counter[str] = field(default_factory=Counter)
    nulled: Counter[tuple[str, str]] = field(default_factory=Counter)  # (side, field): base had a value, now null
    valued: Counter[tuple[str, str]] = field(default_factory=Counter)  # (side, field): still has a value

    def untouched(self, side: str, columns: tuple[str, ...], digests: np.ndarray) -> None:
        """Records that look like their base (digests n x f): their values are there."""
        for name, there in zip(columns, (digests > NULL).sum(axis=0), strict=True):
            self.valued[side, name] += int(there)

    def write(self, side: str, keys: pd.Series, touched: np.ndarray, columns: tuple[str, ...]) -> None:
        """Updates of one bucket on one side: ``keys`` n, not unique; ``touched`` bool n x f."""
        others = np.array([c not in self.filling for c in columns], bool)
        rewritten = pd.Series((touched & others).any(axis=1) | ~touched.any(axis=1)).groupby(keys.to_numpy()).any()
        self.changed[side] += int(rewritten.sum())
        self.filled[side] += int((~rewritten).sum())

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
    guards = (_empty, _short, _mass, _day, _backfill, _null_columns, _twice)
    return [finding for guard in guards for finding in guard(mapping, sizes)]


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


def _short(mapping: Mapping, z: Sizes) -> Iterable[Finding]:
    """A truncated extract: more is missing than at the last complete read. An empty side has its own guard."""
    for side in ("platform", "salesforce"):
        gone = z.missing[side] - z.missed.get(side, 0)
        if z.read[side] and _share(gone, z, mapping.guards.min_base) > mapping.guards.max_missing_percent:
            text = f"{side} was read whole and lacks {gone:,} of {z.base:,} known {mapping.name} records"
            yield _finding(mapping, SIDE_SHORT, text, "Usually a truncated extract or lost rights: look at that first.")


def _mass(mapping: Mapping, z: Sizes) -> Iterable[Finding]:
    limits = mapping.guards
    for side in ("salesforce", "platform"):
        changed, archived = z.changed[side], z.archived[side]
        if _too_many(changed, mapping, z):
            text = f"{changed:,} of {z.base:,} known {mapping.name} records would change on {side}"
            yield _finding(mapping, MASS_CHANGE, text, "Look first: sfsync plan " + mapping.name)
        if _share(archived, z, limits.min_base) > limits.max_archived_percent:
            text = f"{archived:,} of {z.base:,} known {mapping.name} records would be archived on {side}"
            yield _finding(mapping, MASS_ARCHIVE, text, "")


def _too_many(count: int, mapping: Mapping, z: Sizes) -> bool:
    limits = mapping.guards
    return count > limits.max_changed_records or _share(count, z, limits.min_base) > limits.max_changed_percent


def _day(mapping: Mapping, z: Sizes) -> Iterable[Finding]:
    """The fuse over time: runs that each stay below the limit, and together rewrite everything."""
    limit = mapping.guards.max_changed_percent_per_day
    for side in ("salesforce", "platform"):
        changed, today = z.changed[side], z.today[side]
        if changed and today and _share(changed + today, z, mapping.guards.min_base) > limit:
            text = (
                f"{changed:,} {mapping.name} records would change on {side} after {today:,} within a day: together "
                f"more than {limit:g} % of {z.base:,} known ones"
            )
            yield _finding(mapping, MASS_CHANGE_DAY, text, "Something changes again and again: sfsync status")


def _backfill(mapping: Mapping, z: Sizes) -> Iterable[Finding]:
    """Records of which nothing is written but fields that are being filled: a guard if they are many, else a note."""
    names = ", ".join(n for n in mapping.columns if n in z.filling)
    for side in ("salesforce", "platform"):
        if not z.filled[side]:
            continue
        text = (
            f"backfill of field {names}: new to the mapping or formed in another way, it would be written to "
            f"{z.filled[side]:,} of {z.base:,} known {mapping.name} records on {side}; nothing else of them changes"
        )
        if _too_many(z.filled[side], mapping, z):
            yield _finding(mapping, BACKFILL, text, "Look first: sfsync plan " + mapping.name)
        else:
            yield Finding(BACKFILL, text, "info", mapping.name, next_step="It happens once.")


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
