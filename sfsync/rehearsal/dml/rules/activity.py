"""Tasks and events: the account they count for, what follows from a status, when an event ends.

Source: vendor object reference, Task and Event.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.clock import instant
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored, fetch, whole
from sfsync.rehearsal.dml.work import Rules, Work

_DAY = 24 * 60  # minutes
_TIMES = frozenset({"StartDateTime", "EndDateTime", "DurationInMinutes", "ActivityDate", "IsAllDayEvent"})


def follow_account(work: Work, batch: Batch, whats: list[Any], whos: list[Any]) -> None:
    """AccountId: the account itself, or that of the record or person the activity is about."""
    if not {"WhatId", "WhoId"} & batch.columns.keys():
        return
    account = work.schema.objects["Account"].prefix
    found = _accounts_of(work, {one for one in (*whats, *whos) if isinstance(one, str)})
    batch.columns["AccountId"] = [
        what if isinstance(what, str) and what.startswith(account) else found.get(what) or found.get(who)
        for what, who in zip(whats, whos, strict=True)
    ]


def _accounts_of(work: Work, ids: set[str]) -> dict[str | None, Any]:
    groups: dict[str, list[str]] = {}
    for one in ids:
        obj = work.schema.of_id(one)
        if obj is not None and obj.has("AccountId"):
            groups.setdefault(obj.name, []).append(one)
    found: dict[str | None, Any] = {}
    for name, members in groups.items():
        stored = fetch(work.database, work.schema.objects[name], members, ["AccountId"])
        found |= {one: row[0] for one, row in stored.items()}
    return found


class TaskRules(Rules):
    needs = frozenset({"Status", "Priority", "WhatId", "WhoId"})

    def before_insert(self, work: Work, batch: Batch) -> None:
        self._follow(work, batch, {name: batch.values(name) for name in self.needs})

    def before_update(self, work: Work, batch: Batch, old: Stored) -> None:
        self._follow(work, batch, {name: whole(batch, old, name) for name in self.needs})

    def _follow(self, work: Work, batch: Batch, now: dict[str, list[Any]]) -> None:
        closed = set(work.schema.settings["closed_task_statuses"])
        batch.columns["IsClosed"] = [one in closed for one in now["Status"]]
        batch.columns["IsHighPriority"] = [one == "High" for one in now["Priority"]]
        follow_account(work, batch, now["WhatId"], now["WhoId"])


class EventRules(Rules):
    needs = _TIMES | {"WhatId", "WhoId"}

    def before_insert(self, work: Work, batch: Batch) -> None:
        self._times(batch, None)
        follow_account(work, batch, batch.values("WhatId"), batch.values("WhoId"))

    def before_update(self, work: Work, batch: Batch, old: Stored) -> None:
        if (_TIMES | {"ActivityDateTime"}) & batch.columns.keys():
            self._times(batch, old)
        follow_account(work, batch, whole(batch, old, "WhatId"), whole(batch, old, "WhoId"))

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
