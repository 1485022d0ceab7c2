"""The org's limits, and the meter of API calls: what was asked, how often, and what is left of the day.

A call counts once whatever it carries (composite is 1, every Bulk call is 1); each part of a batch request counts.
Counters live in memory and are written down at most once a second: a kill may forget the last second of calls.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

DAILY = "DailyApiRequests"
APP = "rehearsal-app"  # the connected app, where it has a quota of its own
_KIND, _KEY = "meter", "calls"
FLUSH_SECONDS = 1.0


def defaults() -> dict[str, Any]:
    """The limits of a fresh org: ``limits`` name to maximum, ``nested`` those within them."""
    stored: dict[str, Any] = json.loads((files("sfsync.rehearsal") / "limits.json").read_text("utf-8"))
    return stored


class Limits:
    """Limits and call counters of one org, safe to use from several threads."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._lock = threading.Lock()
        self._dirty = False
        known = defaults()
        self._nested: dict[str, dict[str, int]] = known["nested"]
        self._defaults: dict[str, int] = known["limits"]
        self._load(org.state_get(_KIND, _KEY) or {})

    def _load(self, stored: dict[str, Any]) -> None:
        self._max = {**self._defaults, **stored.get("max", {})}
        self._used: Counter[str] = Counter(stored.get("used", {}))
        self._kinds: Counter[str] = Counter(stored.get("kinds", {}))
        self._parts: Counter[str] = Counter(stored.get("parts", {}))
        self._app_most: int | None = stored.get("app_max")
        self._app_used: int = stored.get("app_used", 0)
        start = stored.get("day_start")
        self._day_start = datetime.fromisoformat(start) if start else self._org.clock.now()

    # -- metering -----------------------------------------------------------------------------------------

    def spend(self, kind: str) -> None:
        """Counts one API call. OrgError REQUEST_LIMIT_EXCEEDED when the day's calls are used up."""
        with self._lock:
            self._turn_day()
            of_app = self._app_most is not None and self._app_used >= self._app_most
            if of_app or self._used[DAILY] >= self._max[DAILY]:
                raise errors.request_limit()
            self._used[DAILY] += 1
            self._app_used += 1
            self._kinds[kind] += 1
            self._dirty = True

    def note_part(self, kind: str) -> None:
        """Remembers a subrequest of a composite call; it costs nothing."""
        with self._lock:
            self._parts[kind] += 1
            self._dirty = True

    def use(self, name: str) -> None:
        """Counts against another limit, for example DailyBulkV2QueryJobs."""
        with self._lock:
            self._turn_day()
            self._used[name] += 1
            self._dirty = True

    def left(self, name: str) -> int:
        with self._lock:
            self._turn_day()
            return max(0, self._max[name] - self._used[name])

    def _turn_day(self) -> None:
        now = self._org.clock.now()
        if now - self._day_start >= timedelta(days=1) or now < self._day_start:
            self._day_start = now
            self._used.clear()
            self._app_used = 0

    # -- showing ------------------------------------------------------------------------------------------

    def usage(self) -> str:
        """The value of the Sforce-Limit-Info header; its second part only where the app has a quota."""
        with self._lock:
            whole = f"api-usage={self._used[DAILY]}/{self._max[DAILY]}"
            if self._app_most is None:
                return whole
            return f"{whole}; per-app-api-usage={self._app_used}/{self._app_most}(appName={APP})"

    def show(self) -> dict[str, Any]:
        """The answer of GET limits."""
        with self._lock:
            self._turn_day()
            return {name: self._entry(name) for name in sorted(self._max)}

    def _entry(self, name: str) -> dict[str, Any]:
        most = self._max[name]
        entry: dict[str, Any] = {"Max": most, "Remaining": max(0, most - self._used[name])}
        for inner, top in self._nested.get(name, {}).items():
            entry[inner] = {"Max": top, "Remaining": top}
        if name == DAILY and self._app_most is not None:
            entry[APP] = {"Max": self._app_most, "Remaining": max(0, self._app_most - self._app_used)}
        return entry

    def stats(self) -> dict[str, Any]:
        """Counts since the last reset of the statistics: all calls, calls by kind, subrequests by kind."""
        with self._lock:
            calls = dict(sorted(self._kinds.items()))
            parts = dict(sorted(self._parts.items()))
        return {"api_calls": sum(calls.values()), "by_kind": calls, "subrequests": parts}

    # -- control ------------------------------------------------------------------------------------------

    def set(self, name: str, most: int | None, remaining: int | None) -> None:
        """Sets a limit's maximum and what is left of it. KeyError for a name the org does not have."""
        with self._lock:
            self._max[name] = self._max[name] if most is None else most
            if remaining is not None:
                self._used[name] = self._max[name] - remaining
            self._dirty = True

    def set_app(self, most: int) -> None:
        """Gives the connected app a daily quota of calls, none of them used."""
        with self._lock:
            self._app_most, self._app_used = most, 0
            self._dirty = True

    def reset_stats(self) -> None:
        with self._lock:
            self._kinds.clear()
            self._parts.clear()
            self._dirty = True

    def clear(self) -> None:
        """Back to the limits and counts of a fresh org."""
        with self._lock:
            self._load({})
            self._dirty = True

    def flush(self) -> None:
        """Writes the counters down if they changed."""
        with self._lock:
            if not self._dirty:
                return
            self._dirty = False
            value = {
                "max": {name: most for name, most in self._max.items() if most != self._defaults[name]},
                "used": dict(self._used),
                "kinds": dict(self._kinds),
                "parts": dict(self._parts),
                "app_max": self._app_most,
                "app_used": self._app_used,
                "day_start": self._day_start.isoformat(),
            }
        self._org.state_put(_KIND, _KEY, value)
