"""What the clocks are computed from: cases and what happened to them, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np

from sfsync.planners.sla.words import EventKind, Warned


@dataclass(frozen=True)
class Cases:
    """Cases as they were created, n of them, by number.

    tier, priority, channel (-1: not known), category   int16, numbers of the policy's own lists
    t0                                                  int64, microseconds UTC: when the contact reached the operator
    incident, incident_parent                           bool: part of an incident; the incident itself
    """

    tier: np.ndarray
    priority: np.ndarray
    channel: np.ndarray
    category: np.ndarray
    t0: np.ndarray
    incident: np.ndarray
    incident_parent: np.ndarray

    def __len__(self) -> int:
        return len(self.t0)

    def part(self, start: int, stop: int) -> Cases:
        """The cases from ``start`` to ``stop``, by position."""
        columns = (self.tier, self.priority, self.channel, self.category, self.t0, self.incident, self.incident_parent)
        return Cases(*(c[start:stop] for c in columns))


def joined(parts: Sequence[Cases]) -> Cases:
    """Several columns of cases as one, in their order."""
    return Cases(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Cases)))


@dataclass(frozen=True)
class Events:
    """What happened, m events in any order.

    case   int64, position of the case       at     int64, microseconds UTC
    kind   int16, ``EventKind``              value  int16: new tier, category or priority; for a pause 1: its status
    sent   bool: a message went to the       does not stop the clocks; of words: which of ``LISTS``
           requester before this pause
    """

    case: np.ndarray
    at: np.ndarray
    kind: np.ndarray
    value: np.ndarray
    sent: np.ndarray

    def __len__(self) -> int:
        return len(self.case)

    def take(self, which: np.ndarray) -> Events:
        """The events at these positions, or under this mask."""
        return Events(self.case[which], self.at[which], self.kind[which], self.value[which], self.sent[which])

    def ordered(self) -> Events:
        """By case, instant and kind: the result does not depend on the order of arrival (policy C.4, rule 8)."""
        what = (self.kind.astype(np.int64) << 17) | (self.value.astype(np.int64) << 1) | ~self.sent
        return self.take(np.lexsort((what, self.at, self.case)))

    def parts(self, size: int, count: int) -> Iterator[Events]:
        """The events of each ``size`` cases, numbered from the first of them; ``count`` cases in all."""
        part = self.case // size
        if (part[1:] < part[:-1]).any():
            whole = self.take(np.argsort(part.astype(np.uint16), kind="stable"))
            part = whole.case // size
        else:
            whole = self
        edges = np.searchsorted(part, np.arange(-(-max(count, 1) // size) + 1))
        for number, (first, last) in enumerate(pairwise(edges.tolist())):
            columns = (whole.at, whole.kind, whole.value, whole.sent)
            yield Events(whole.case[first:last] - number * size, *(c[first:last] for c in columns))


def no_events() -> Events:
    """Nothing happened."""
    none = np.zeros(0, np.int64)
    return Events(none, none, none.astype(np.int16), none.astype(np.int16), none.astype(bool))


_MAY_PRECEDE = (
    EventKind.PAUSE,
    EventKind.RESUME,
    EventKind.FORCE_MAJEURE,
    EventKind.FORCE_MAJEURE_END,
    EventKind.WORDS,
)


def usable(cases: Cases, events: Events, as_of: int) -> tuple[Events, np.ndarray]:
    """The events an evaluation at ``as_of`` uses, in order; and the warnings (int16 n) of those it must refuse.

    What comes after ``as_of`` has not happened yet. Nothing happens to a case before it exists (``E-TIME-ORDER``); a
    pause or force majeure that began earlier is cut to T0, and so are words the case was made from.
    """
    warned = np.zeros(len(cases), np.int16)
    events = events.take(events.at <= as_of) if len(events) else events
    early = events.at < cases.t0[events.case]
    if early.any():
        wrong = early & ~np.isin(events.kind, _MAY_PRECEDE)
        warned[events.case[wrong]] = Warned.TIME_ORDER
        cut = early & (events.kind >= EventKind.FORCE_MAJEURE) & ~wrong & (events.kind != EventKind.RESUME)
        at = np.where(cut, cases.t0[events.case], events.at)
        events = Events(events.case, at, events.kind, events.value, events.sent).take(~early | cut)
    return events.ordered(), warned


def rounds(events: Events, count: int) -> Iterator[np.ndarray]:
    """First the first event of every case, then the second …: positions (int64) in the ordered ``events``."""
    each = np.bincount(events.case, minlength=count) if len(events) else np.zeros(count, np.int64)
    first = np.concatenate(([0], np.cumsum(each)[:-1]))
    turn = 0
    while (more := np.flatnonzero(each > turn)).size:
        yield first[more] + turn
        turn += 1
