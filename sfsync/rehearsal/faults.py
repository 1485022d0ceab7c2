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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sfsync.rehearsal.automation import orders
from sfsync.rehearsal.dml.locks import LockOrder

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

KINDS = {
    "status": "answers `status` with `body` and `headers`; without a body, the vendor's own for that status",
    "limit": "403 REQUEST_LIMIT_EXCEEDED",
    "drop_before": "closes the connection; the call never happens",
    "drop_after": "closes the connection; the call has happened",
    "truncate": "answers half of the body, then closes: half a result file, half a page",
    "latency": "waits `ms` milliseconds first",
    "expire_session": "ends the caller's session: 401, or what the API in question says instead",
    "clock_skew": "moves the org's clock by `ms` milliseconds (negative: back) before the call",
    "job_state": "ends a Bulk job in `state` (Failed with `error`, or Aborted) after `rows` rows; JobComplete lets it"
    " succeed; `ms` makes it show InProgress for so long; `match` is tried on `JOB {operation} {object}`",
    "lock": "UNABLE_TO_LOCK_ROW for saves that touch `object` or `ids` or their children: a lock storm",
    "automation": "changes what was written, as a trigger would: rows of `object` saved with the values in `when` get"
    " those in `set` (or `{formula: …}`), SystemModstamp `delay_s` seconds after the save; `times` null is always",
}
STATUSES = range(200, 600)
MOST_MS = 10**12
JOB_STATES = ("Failed", "Aborted", "JobComplete")
_KIND = "fault"
_LOCK = "lock"  # kept by the org's locks, which look at rows and not at calls

_AUTOMATION = orders.KIND  # kept with the rows it changes


@dataclass
class Fault:
    """One fault. ``ms`` is a time in milliseconds, ``error`` the message of a job that is to fail after ``rows``."""

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
    rows: int = 0
    seen: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault kind {self.kind!r}; known: {', '.join(KINDS)}")
        if self.kind == "job_state" and self.state not in JOB_STATES:
            raise ValueError(f"a job can be ordered to end in {', '.join(JOB_STATES)}, not in {self.state!r}")
        self._check_numbers()
        if not isinstance(self.headers, dict) or not all(isinstance(one, str) for one in self.headers.values()):
            raise ValueError("headers are names and texts")
        self._pattern = re.compile(self.match)
        self._dice = random.Random(self.seed)  # noqa: S311  (repeatable on purpose)
        for _ in range(self.seen):
            self._dice.random()

    def _check_numbers(self) -> None:
        """An order is refused when it is given, not when it strikes."""
        for name in ("times", "after", "status", "ms", "rows", "seed", "seen", "hits"):
            value = getattr(self, name)
            if not (value is None and name == "times") and (not isinstance(value, int) or isinstance(value, bool)):
                raise ValueError(f"{name} is a whole number, not {value!r}")
        least = -MOST_MS if self.kind == "clock_skew" else 0
        if not least <= self.ms <= MOST_MS or min(self.after, self.rows, self.times or 0) < 0:
            raise ValueError(f"ms, after, rows and times are not negative, ms is at most {MOST_MS}")
        if self.status not in STATUSES:
            raise ValueError(f"status is an HTTP status from {STATUSES[0]} to {STATUSES[-1]}, not {self.status}")
        if not isinstance(self.probability, int | float) or not 0 <= self.probability <= 1:
            raise ValueError("the probability of a fault lies between 0 and 1")

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


def read(path: Path) -> list[dict[str, Any]]:
    """The orders in a fault file (YAML or JSON): a list of faults, or ``faults: [...]``. Raises ValueError."""
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as wrong:
        raise ValueError(f"{path} is neither YAML nor JSON: {wrong}") from wrong
    orders = found.get("faults") if isinstance(found, dict) else found
    if not isinstance(orders, list) or not all(isinstance(one, dict) for one in orders):
        raise ValueError(f"{path} holds no list of faults")
    return orders


class Faults:
    """The armed faults of one org; they survive a restart with their counts."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._lock = threading.Lock()
        self._armed = {key: Fault(**value) for key, value in sorted(dict(org.state_list(_KIND)).items())}

    def add(self, order: dict[str, Any]) -> None:
        """Arms a fault. ValueError, TypeError or re.error when the order makes no sense."""
        if order.get("kind") == _LOCK:
            self._org.locks.order(**_without_kind(order))
            return
        if order.get("kind") == _AUTOMATION:
            self._automate(orders.order(self._org.schema, _without_kind(order)))
            return
        with self._lock:
            number = 1 + max((int(key) for key in self._armed), default=0)
            fault = Fault(**{**order, "id": f"{number:06d}", "seen": 0, "hits": 0})
            self._armed[fault.id] = fault
        self._org.state_put(_KIND, fault.id, asdict(fault))

    def _automate(self, order: dict[str, Any]) -> None:
        number = 1 + max((int(key) for key in self._org.state_list(_AUTOMATION)), default=0)
        self._org.state_put(_AUTOMATION, f"{number:06d}", order)

    def replace(self, given: list[dict[str, Any]]) -> None:
        """Disarms everything and arms these, so that a run with the same file meets the same faults."""
        for one in given:
            self._check(one)
        self.clear()
        for one in given:
            self.add(one)

    def _check(self, order: dict[str, Any]) -> None:
        if order.get("kind") == _LOCK:
            LockOrder(**_without_kind(order))
        elif order.get("kind") == _AUTOMATION:
            orders.order(self._org.schema, _without_kind(order))
        else:
            Fault(**order)

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
            calls = [asdict(fault) for fault in self._armed.values()]
        automation = [{"kind": _AUTOMATION} | one for one in self._org.state_list(_AUTOMATION).values()]
        return calls + [{"kind": _LOCK} | one for one in self._org.locks.orders()] + automation

    def clear(self) -> None:
        with self._lock:
            gone = list(self._armed)
            self._armed.clear()
        for key in gone:
            self._org.state_delete(_KIND, key)
        for key in self._org.state_list(_AUTOMATION):
            self._org.state_delete(_AUTOMATION, key)
        self._org.locks.clear()


def _without_kind(order: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in order.items() if key != "kind"}
