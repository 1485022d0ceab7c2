"""Events: their end follows from start and duration, or the duration from the end. Source: vendor, Event."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.clock import instant
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored, whole
from sfsync.rehearsal.dml.work import Rules, Work

_DAY = 24 * 60


class EventRules(Rules):
    needs = frozenset({"StartDateTime", "EndDateTime", "DurationInMinutes", "ActivityDate", "IsAllDayEvent"})

    def before_insert(self, work: Work, batch: Batch) -> None:
        self._times(batch, None)

    def before_update(self, work: Work, batch: Batch, old: Stored) -> None:
        if {"StartDateTime", "ActivityDateTime", "ActivityDate", "EndDateTime", "DurationInMinutes"} & set(
            batch.columns
        ):
            self._times(batch, old)

    def _times(self, batch: Batch, old: Stored | None) -> None:
        starts, ends, lengths = self._starts(batch, old), batch.values("EndDateTime"), batch.values("DurationInMinutes")
        stored = [None] * batch.size if old is None else old["DurationInMinutes"]
        whole_days = whole(batch, old, "IsAllDayEvent")
        found = [
            self._span(batch, row, starts[row], ends[row], lengths[row], stored[row], bool(whole_days[row]))
            for row in range(batch.size)
        ]
        for at, name in enumerate(("StartDateTime", "EndDateTime", "DurationInMinutes")):
            batch.columns[name] = [one[at] for one in found]
        batch.columns["ActivityDateTime"] = [
            None if day else start for day, (start, _, _) in zip(whole_days, found, strict=True)
        ]
        batch.columns["ActivityDate"] = [start[:10] if start else None for start, _, _ in found]
        batch.columns["EndDate"] = [end[:10] if end else None for _, end, _ in found]

    def _starts(self, batch: Batch, old: Stored | None) -> list[Any]:
        kept = [None] * batch.size if old is None else old["StartDateTime"]
        days = [f"{one}T00:00:00.000+0000" if one else None for one in batch.values("ActivityDate")]
        given = zip(batch.values("StartDateTime"), batch.values("ActivityDateTime"), days, kept, strict=True)
        return [start or at or day or was for start, at, day, was in given]

    def _span(
        self, batch: Batch, row: int, start: str | None, end: str | None, length: Any, stored: Any, whole_day: bool
    ) -> tuple[str | None, str | None, int | None]:
        """(start, end, minutes) of one event; without enough to know them, an error."""
        minutes = length if length is not None or end is not None else stored
        minutes = _DAY if minutes is None and end is None and whole_day else minutes
        if start is None or (minutes is None and end is None):
            batch.fail(row, errors.required_missing(["DurationInMinutes", "ActivityDateTime"]))
            return start, end, minutes
        began = datetime.fromisoformat(start)
        finish = datetime.fromisoformat(end) if end is not None else began + timedelta(minutes=minutes)
        if finish < began:
            batch.fail(row, errors.event_ends_before_it_starts())
        return start, instant(finish), int((finish - began).total_seconds() // 60)
