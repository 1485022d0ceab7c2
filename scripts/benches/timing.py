"""Durations, and what is read off many of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any


def timed(act: Callable[[], object]) -> float:
    """How long ``act`` takes, in seconds."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


@dataclass
class Timing:
    """Durations of single calls, in seconds."""

    seconds: list[float] = field(default_factory=list)

    @staticmethod
    def of(act: Callable[[Any], object], values: Iterable[Any]) -> Timing:
        timing = Timing()
        for value in values:
            timing.add(lambda value=value: act(value))
        return timing

    def add(self, act: Callable[[], Any]) -> Any:
        """Times one call and passes its result on."""
        started = time.perf_counter()
        found = act()
        self.seconds.append(time.perf_counter() - started)
        return found

    def per_second(self) -> float:
        return len(self.seconds) / sum(self.seconds)

    def percentile(self, share: int) -> float:
        """In milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, len(ordered) * share // 100)] * 1000
