"""Timelines in, clocks out: the window of ``sfsync sla explain --timeline`` on the engine (docs/reference)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import numpy as np

from sfsync.planners.sla import editions, shown, walltime
from sfsync.planners.sla.editions import Edition
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.inputs import Cases, Events, no_events
from sfsync.planners.sla.words import LISTS, MINUTE, NONE, PRIORITIES, STATUSES, TIERS, EventKind

AHEAD = 5 * MINUTE  # how far a clock elsewhere may be ahead of ours (policy C.1)
OTHER = "other"
KINDS = {k.name.lower(): k for k in EventKind if not k.name.startswith("FORCE")}
_VALUES = {
    EventKind.TIER: ("tier", TIERS),
    EventKind.PRIORITY: ("priority", PRIORITIES),
    EventKind.WORDS: ("words", LISTS),
}
Json = dict[str, Any]


class Refused(Exception):
    """A timeline that cannot be read: the code, and what is wrong with what."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def explain(timelines: Sequence[Json], figures: Figures, as_of: datetime, late: Sequence[Edition] = ()) -> list[Json]:
    """Every timeline's clocks at ``as_of``, in the order given; one that cannot be read says why in ``error``.

    ``late``: editions of the figures with days that became known late.
    """
    now = walltime.micros(as_of)
    found, refusals = columns(timelines, figures, now)
    made = (Edition(NONE, figures), *late)
    result, waived = editions.evaluate(found.cases(), found.events(), made, now)
    told = iter(shown.told(result, figures, found.notes, editions.waivers(waived, made)))
    answers, moment = [], walltime.text(now)
    for timeline, refused in zip(timelines, refusals, strict=True):
        named = {"id": timeline.get("id") if isinstance(timeline, dict) else None, "as_of": moment}
        answers.append({**named, **(_refusal(refused) if refused else next(told))})
    return answers


def _refusal(refused: Refused) -> Json:
    """What stands in the place of a timeline that could not be read."""
    return {"error": {"code": refused.code, "message": refused.message}, "warnings": [refused.code]}


def columns(timelines: Sequence[Json], figures: Figures, now: int) -> tuple[Columns, list[Refused | None]]:
    """Timelines as the engine takes them, and for each of them why it cannot be read, or None."""
    found = Columns(figures, now)
    for timeline in timelines:
        found.add(timeline)
    return found, found.refused


class Columns:
    """Timelines taken apart, those that can be read."""

    def __init__(self, figures: Figures, now: int) -> None:
        self.figures, self.now = figures, now
        self.refused: list[Refused | None] = []
        self.rows: list[tuple[int, int, int, int, bool, bool]] = []
        self.t0: list[int] = []
        self.happened: list[tuple[int, int, int, int, bool]] = []
        self.notes: list[list[str]] = []
        self.channels = {c: i for i, c in enumerate(figures.channels)}
        self.categories = {c: i for i, c in enumerate(figures.categories)}

    def add(self, timeline: Json) -> None:
        """One more; what is wrong with it stays its own trouble."""
        notes: list[str] = []
        try:
            row, t0 = self._case(timeline, notes)
            happened = self._happened(timeline, notes)
        except Refused as refused:
            self.refused.append(refused)
            return
        self.happened += [(len(self.rows), *one) for one in happened]
        self.rows.append(row)
        self.t0.append(t0)
        self.notes.append(notes)
        self.refused.append(None)

    def _case(self, timeline: Json, notes: list[str]) -> tuple[tuple[int, int, int, int, bool, bool], int]:
        if not isinstance(timeline, dict):
            raise Refused("E-TIMELINE", "a timeline is an object with id, tier, t0 and events")
        t0 = _instant(timeline.get("t0"), "t0", notes)
        if t0 > self.now + AHEAD:
            raise Refused("E-TIME-FUTURE", "t0 lies in the future")
        category = self._category(timeline.get("category"), notes)
        channel = timeline.get("channel")
        if channel is not None and channel not in self.channels:
            raise Refused("E-CHANNEL", f"channel {channel!r} is not one of {', '.join(self.channels)}")
        row = (
            _number(timeline.get("tier"), TIERS, "tier"),
            _number(timeline.get("priority", PRIORITIES[-1]), PRIORITIES, "priority"),
            self.channels.get(cast(str, channel), -1),
            category,
            bool(timeline.get("incident")),
            bool(timeline.get("incident_parent")),
        )
        return row, t0

    def _category(self, name: Any, notes: list[str]) -> int:
        if name is not None and name not in self.categories:
            notes.append("W-TYPE")
        return self.categories.get(name, self.categories[OTHER])

    def _happened(self, timeline: Json, notes: list[str]) -> list[tuple[int, int, int, bool]]:
        made = [self._event(e, notes) for e in timeline.get("events") or ()]
        for window in timeline.get("force_majeure") or ():
            start, end = (_instant(w, "force_majeure", notes) for w in _pair(window))
            if start > end:
                raise Refused("E-TIME-ORDER", "a force majeure ends before it begins")
            made.append((start, EventKind.FORCE_MAJEURE, 0, False))
            made.append((end, EventKind.FORCE_MAJEURE_END, 0, False))
        return made

    def _event(self, event: Any, notes: list[str]) -> tuple[int, int, int, bool]:
        kind = KINDS.get(str(event.get("type"))) if isinstance(event, dict) else None
        if kind is None:
            raise Refused("E-EVENT", f"an event's type is one of {', '.join(KINDS)}")
        at = _instant(event.get("at"), f"{kind.name.lower()}.at", notes)
        value = 0
        if kind is EventKind.PAUSE:
            value = self._stops(event.get("status"))
        elif kind is EventKind.CATEGORY:
            value = self._category(event.get("value"), notes)
        elif kind in _VALUES:
            name, words = _VALUES[kind]
            value = _number(event.get("value"), words, name)
        return at, kind, value, bool(event.get("message_sent"))

    def _stops(self, status: Any) -> int:
        """1 where a status stops the clocks, 0 where somebody else is waited for."""
        if status is None:
            return 1
        if status not in STATUSES:
            raise Refused("E-STATUS", f"status {status!r} is not one of {', '.join(STATUSES)}")
        return int(status in self.figures.pause_statuses)

    def cases(self) -> Cases:
        """All that could be read."""
        rows = np.array(self.rows, np.int64).reshape(-1, 6)
        small = rows[:, :4].astype(np.int16).T
        t0 = np.array(self.t0, np.int64)
        return Cases(small[0], small[1], small[2], small[3], t0, rows[:, 4].astype(bool), rows[:, 5].astype(bool))

    def events(self) -> Events:
        """Their events."""
        if not self.happened:
            return no_events()
        case, at, kind, value, sent = np.array(self.happened, np.int64).T
        return Events(case, at, kind.astype(np.int16), value.astype(np.int16), sent.astype(bool))


def _pair(window: Any) -> Sequence[Any]:
    if not isinstance(window, list | tuple) or len(window) != 2:
        raise Refused("E-TIMELINE", "force_majeure is a list of pairs [from, to]")
    return window


def _number(word: Any, words: Sequence[str], name: str) -> int:
    if word not in words:
        raise Refused(f"E-{name.upper()}", f"{name} {word!r} is not one of {', '.join(words)}")
    return words.index(word)


def _instant(text: Any, name: str, notes: list[str]) -> int:
    try:
        at, code = walltime.parse(text)
    except (TypeError, ValueError):
        raise Refused("E-DATE", f"{name}: {text!r} is no instant; write 2026-05-12T10:00:00+02:00") from None
    if code:
        notes.append(code)
    return at
