"""The org's API calls as a budget: count, look at what the org says, stop in time.

Three shares of the daily figure: what one run may use, what everybody together may have used before sfsync stops, and
what is kept for people at work. Compliance flags know no share: they stop only where the org itself does (decision
0035). A small reserve is kept for closing calls (results of a job already sent), so that a run that stops knows what it
did. The daily figure is only known after the first answer (``Sforce-Limit-Info``, wire reference 1).
"""

from __future__ import annotations

import re
import threading

from sfsync.errors import BudgetReached
from sfsync.settings import Budget as Shares

_USAGE = re.compile(r"(?<!-)api-usage=(\d+)/(\d+)")
RESERVE = 10
COMPLIANCE = "compliance"


class Budget:
    """Counts calls; ``BudgetReached`` before the call that would pass a share. Safe for threads.

    ``lane``: whose calls these are, as in ``plan.model.LANES``; set by who writes a plan, lane by lane.
    """

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._lock = threading.Lock()
        self.lane = "main"
        self.calls = 0
        self.used: int | None = None  # by everybody today, as the org last said
        self.total: int | None = None

    @property
    def remaining(self) -> int | None:
        """Calls the org has left today, None before its first answer."""
        if self.total is None or self.used is None:
            return None
        return max(0, self.total - self.used)

    def room(self) -> int | None:
        """Calls this run may still make in this lane, None before the org's first answer."""
        if self.total is None or self.used is None:
            return None
        if self.lane == COMPLIANCE:
            return self.total - self.used
        mine = int(self.total * self._shares.per_run) - self.calls
        org = int(self.total * min(self._shares.org_wide_stop, 1 - self._shares.reserve_for_people)) - self.used
        return min(mine, org)

    def take(self, *, closing: bool = False) -> None:
        """Count one call about to leave; ``closing`` calls may use the reserve."""
        with self._lock:
            room = self.room()
            if room is not None and room <= (0 if closing else self._reserve()):
                raise self._reached()
            self.calls += 1

    def saw(self, header: str | None) -> None:
        """Note what ``Sforce-Limit-Info`` says; other headers and none are ignored."""
        found = _USAGE.search(header or "")
        if found:
            with self._lock:
                self.used, self.total = int(found.group(1)), int(found.group(2))

    def _reserve(self) -> int:
        """For closing calls. Flags have none: better a flag whose results are read tomorrow than none today."""
        if self.lane == COMPLIANCE:
            return 0
        return min(RESERVE, int((self.total or 0) * self._shares.per_run * 0.1))

    def _reached(self) -> BudgetReached:
        total, used = self.total or 0, self.used or 0
        return BudgetReached(
            f"this run made {self.calls} API calls; the org has used {used} of {total} today",
            "BUDGET_REACHED",
            "salesforce",
            "Nothing is lost: the next run goes on. To allow more, raise budget.per_run or budget.org_wide_stop, or"
            " lower budget.reserve_for_people.",
        )


def limit_hit() -> BudgetReached:
    """The org itself says that today's calls are used up."""
    return BudgetReached(
        "the org's API calls for today are used up",
        "REQUEST_LIMIT_EXCEEDED",
        "salesforce",
        "Nothing is lost: run again when the org's 24-hour limit is renewed.",
    )
