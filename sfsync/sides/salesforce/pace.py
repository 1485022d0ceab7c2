"""When to look at a running Bulk job: few looks, because each is an API call, and none much later than its end.

What the job has done so far says when it will be done; so does the speed of an earlier job of the run that was not
much smaller. Looks close in on the expected end and, near it, lie apart by a small share of the time the job has taken.
Pure, but for the clock of its caller.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Seconds.

    first_s, per_row_s   the first look at a job of unknown speed: so much, and so much per row, up to ``unknown_s``
    share                looks lie apart by this share of the time the job has taken (double while nothing is known)
    aim                  the share of the expected rest after which to look
    most_s               the longest pause
    limit_s              a job that takes longer is given up
    """

    first_s: float = 0.5
    per_row_s: float = 1 / 10_000
    unknown_s: float = 2.0
    share: float = 0.05
    aim: float = 0.92
    most_s: float = 30.0
    limit_s: float = 4 * 3600


class Speed:
    """How long rows took in the last job."""

    def __init__(self) -> None:
        self._rows, self._took = 0, 0.0

    def learn(self, rows: int, took_s: float) -> None:
        """A job has ended."""
        self._rows, self._took = rows, took_s

    def get(self, rows: int) -> float | None:
        """How long so many rows may take; None if no job of the kind was seen (a small one has mostly waited)."""
        return self._took * rows / self._rows if self._rows and rows <= 2 * self._rows else None


class Watch:
    """The looks at one job of so many rows (0: unknown), expected to take so long (None: unknown)."""

    def __init__(self, pace: Pace, rows: int, expected_s: float | None) -> None:
        self._pace, self._rows, self._expected = pace, rows, expected_s
        self._done = 0
        self._looked = False

    def saw(self, done: int) -> None:
        """A look found the job under way, with so many rows processed."""
        self._done, self._looked = done, True

    def pause(self, taken_s: float) -> float:
        """How long to wait before the next look, when the job has taken so long."""
        pace = self._pace
        least = max(pace.first_s if not self._looked else pace.first_s / 5, pace.share * taken_s)
        if self._done and self._rows > self._done:
            wanted = pace.aim * taken_s * (self._rows - self._done) / self._done
        elif self._expected is not None and not self._looked:
            wanted = pace.aim * self._expected - taken_s
        elif self._looked:
            wanted = 2 * pace.share * taken_s
        else:
            wanted = min(self._rows * pace.per_row_s, pace.unknown_s) - taken_s
        return min(max(wanted, least), pace.most_s)
