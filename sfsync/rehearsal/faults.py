"""Faults on order: the control plane arms them, calls that fit a pattern trip over them.

A fault is a small record; which calls it hits is decided by ``match`` (a regular expression searched in
``METHOD path?query``), ``after`` (let so many pass first), ``times`` (then hit so many; null is always) and
``probability`` with its ``seed``, so that a run with faults can be repeated.
"""

from __future__ import annotations

import random
import re
import threading
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

KINDS = ("status", "drop_before", "drop_after", "latency", "expire_session", "truncate", "job_state")
_KIND = "fault"


@dataclass
class Fault:
    """One fault. ``ms`` is the latency in milliseconds, ``error`` the message of a job that is to fail."""

    kind: str
    id: str = ""
    match: str = ""
    times: int | None = 1
    after: int = 0
    probability: float = 1.0
    seed: int = 0
    status: int = 503
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    ms: int = 0
    state: str = "Failed"
    error: str = "InternalServerError : An unexpected error occurred"
    seen: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault kind {self.kind!r}; known: {', '.join(KINDS)}")
        self._pattern = re.compile(self.match)
        self._dice = random.Random(self.seed)  # noqa: S311  (repeatable on purpose)
        for _ in range(self.seen):
            self._dice.random()

    def strikes(self, subject: str) -> bool:
        """Whether this call is hit; counts it either way."""
        if not self._pattern.search(subject) or (self.times is not None and self.hits >= self.times):
            return False
        self.seen += 1
        lucky = self._dice.random() >= self.probability
        if self.seen <= self.after or lucky:
            return False
        self.hits += 1
        return True


class Faults:
    """The armed faults of one org; they survive a restart with their counts."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._lock = threading.Lock()
        self._armed = {key: Fault(**value) for key, value in sorted(dict(org.state_list(_KIND)).items())}

    def add(self, order: dict[str, Any]) -> Fault:
        """Arms a fault. ValueError, TypeError or re.error when the order makes no sense."""
        with self._lock:
            number = 1 + max((int(key) for key in self._armed), default=0)
            fault = Fault(**{**order, "id": f"{number:06d}", "seen": 0, "hits": 0})
            self._armed[fault.id] = fault
        self._org.state_put(_KIND, fault.id, asdict(fault))
        return fault

    def strike(self, subject: str, kinds: tuple[str, ...]) -> list[Fault]:
        """The faults of these kinds that hit the call; oldest first."""
        if not self._armed:
            return []
        with self._lock:
            hit = [one for one in self._armed.values() if one.kind in kinds and one.strikes(subject)]
        for fault in hit:
            self._org.state_put(_KIND, fault.id, asdict(fault))
        return hit

    def show(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._armed.values()]

    def clear(self) -> None:
        with self._lock:
            gone = list(self._armed)
            self._armed.clear()
        for key in gone:
            self._org.state_delete(_KIND, key)
