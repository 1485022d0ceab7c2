"""What can go wrong in a run, each by the thing itself: the org's faults, the socket, signals, locks, full disks."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from sfsync.faultpoints import NAMES
from tests.chaos.proxy import KINDS as SOCKET
from tests.chaos.proxy import Weather
from tests.chaos.stage import Stage

CALLS = (
    "",
    "POST .*/composite",
    "GET .*/query",
    "queryAll",
    "jobs/ingest",
    "PATCH .*/jobs",
    "PUT .*/batches",
    "Results",
)
POINTS = list(NAMES)


@dataclass
class Trouble:
    """One run's troubles: what the child is told, who disturbs it meanwhile, how it is killed."""

    names: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    kill_after_s: float | None = None
    twin: bool = False  # a second run at the same time
    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    def __str__(self) -> str:
        return " + ".join(self.names) or "nothing"


class Troubles:
    """Draws troubles and counts them."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.counts = stage, Counter[str]()
        self.typical_s = 1.0  # how long a run takes
        self._kinds: list[tuple[Callable[[random.Random, Trouble], str], int]] = [
            (self._call, 5),
            (self._session, 1),
            (self._timeout, 1),
            (self._lock, 2),
            (self._job, 2),
            (self._clock, 1),
            (self._socket, 5),
            (self._point, 6),
            (self._moment, 3),
            (self._org_dies, 1),
            (self._twin, 1),
            (self._platform, 2),
            (self._pages, 2),
            (self._bytes, 2),
        ]

    def draw(self, dice: random.Random, *, most: int = 2) -> Trouble:
        """The troubles of one run; now and then none."""
        found = Trouble(numbers={"small_rows": dice.choice([0, 2, 5_000]), "batch_rows": dice.choice([0, 0, 2, 5])})
        if dice.random() < 0.5:
            found.numbers["attempts"] = 2
        drawn = dice.choices(
            [k for k, _ in self._kinds], [w for _, w in self._kinds], k=dice.choice([0, 1, 1, 1, most, most])
        )
        for kind in drawn:
            found.names.append(kind(dice, found))
        self.counts.update(
            n.partition(":")[0] if n.startswith("kill at") else n.partition(" #")[0] for n in found.names
        )
        return found

    @contextmanager
    def at_work(self, trouble: Trouble) -> Iterator[None]:
        """Lets those loose who disturb a run while it works."""
        threads = [threading.Thread(target=one) for one in trouble.meanwhile]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in threads:
                thread.join()

    # -- the org's own

    def _order(self, **order: Any) -> None:
        self.stage.world.control("faults", **order)

    def _call(self, dice: random.Random, _: Trouble) -> str:
        kind = dice.choice(["status", "limit", "drop_before", "drop_after", "truncate", "latency"])
        order = {"match": dice.choice(CALLS), "after": dice.choice([0, 0, 1, 3]), "times": dice.randint(1, 3)}
        status = dice.choice([500, 502, 503, 504, 429]) if kind == "status" else 503
        self._order(kind=kind, status=status, ms=dice.randint(10, 300), **order)
        return f"org {kind}"

    def _session(self, dice: random.Random, _: Trouble) -> str:
        self._order(
            kind="expire_session", match=dice.choice(CALLS[1:]), after=dice.randint(0, 9), times=dice.randint(1, 2)
        )
        return "org expire_session"

    def _timeout(self, dice: random.Random, trouble: Trouble) -> str:
        """The client gives up, the org goes on."""
        self._order(kind="latency", match=dice.choice(CALLS[1:]), after=dice.randint(0, 2), times=2, ms=900)
        trouble.environment["SFSYNC_SALESFORCE__TIMEOUT_S"] = "0.6"
        return "client time-out"

    def _lock(self, dice: random.Random, _: Trouble) -> str:
        objects = dice.choice(["Account", "Case"])
        self._order(kind="lock", object=objects, probability=0.7, seed=dice.randrange(99), times=dice.randint(1, 30))
        return "org lock"

    def _job(self, dice: random.Random, trouble: Trouble) -> str:
        trouble.numbers["small_rows"] = 0
        state = dice.choice(["Failed", "Aborted", "JobComplete"])
        ms = dice.choice([0, 200, 600])
        self._order(kind="job_state", state=state, rows=dice.randint(0, 3), ms=ms, times=dice.randint(1, 2))
        return "org job_state"

    def _clock(self, dice: random.Random, _: Trouble) -> str:
        """The org's clock jumps by less than the windows' margins."""
        most = 200_000 if self.stage.margins else 700
        self._order(kind="clock_skew", ms=dice.randint(-most, most), after=dice.randint(0, 5))
        return "org clock_skew"

    # -- the way to it

    def _socket(self, dice: random.Random, _: Trouble) -> str:
        kind = dice.choice(SOCKET)
        own = random.Random(dice.random())
        self.stage.proxy.arm(Weather((kind,), dice.choice([0.5, 1.0]), dice.randint(1, 3), dice.randint(0, 6), own))
        return f"socket {kind}"

    # -- our process, and theirs

    def _point(self, dice: random.Random, trouble: Trouble) -> str:
        point = dice.choice(POINTS)
        if point == "ledger.intent.job":
            trouble.numbers["small_rows"] = 0
        trouble.environment["SFSYNC_FAULTPOINT"] = f"{point}:{dice.choice([1, 1, 2, 3, 5])}"
        return f"kill at {point}"

    def _moment(self, dice: random.Random, trouble: Trouble) -> str:
        trouble.kill_after_s = dice.uniform(0.05, 1.0) * self.typical_s
        return "kill at random"

    def _twin(self, _dice: random.Random, trouble: Trouble) -> str:
        """cron starts the next run before this one has ended."""
        trouble.twin = True
        return "two runs at once"

    def _org_dies(self, dice: random.Random, trouble: Trouble) -> str:
        """The org is killed in the middle of the run and comes back with the same data."""
        after = dice.uniform(0.1, 0.9) * self.typical_s

        def restart() -> None:
            time.sleep(after)
            self.stage.restart_org()

        trouble.meanwhile.append(restart)
        return "org kill -9"

    # -- databases and disks

    def _platform(self, dice: random.Random, trouble: Trouble) -> str:
        """The way to the platform's server breaks; or somebody else holds its database for a while."""
        if self.stage.gate is not None:
            self.stage.gate.cut(random.Random(dice.random()), times=dice.randint(1, 3))
            return "platform cut"
        after, held = dice.uniform(0, 0.8) * self.typical_s, dice.choice([0.2, 1.6])

        def hold() -> None:
            time.sleep(after)
            with closing(sqlite3.connect(self.stage.place / "platform.db", timeout=5)) as other:
                other.execute("BEGIN EXCLUSIVE")
                time.sleep(held)
                other.rollback()

        trouble.meanwhile.append(hold)
        return "platform locked"

    def _pages(self, dice: random.Random, trouble: Trouble) -> str:
        """The ledger's database may grow by a few pages only."""
        ledger = self.stage.place / ".sfsync" / "ledger.db"
        with closing(sqlite3.connect(ledger)) as db:
            pages = int(db.execute("PRAGMA page_count").fetchone()[0]) if ledger.exists() else 8
        trouble.numbers["ledger_pages"] = pages + dice.randint(0, 3)
        return "ledger full"

    def _bytes(self, dice: random.Random, trouble: Trouble) -> str:
        """Every file of the run has an end: ledger, before-images, plan, answers on disk."""
        ledger = self.stage.place / ".sfsync" / "ledger.db"
        size = os.path.getsize(ledger) if ledger.exists() else 65_536  # noqa: PTH202
        trouble.numbers["file_bytes"] = dice.choice([16_384, 40_000, size, size + 8_192])
        return "disk full"
