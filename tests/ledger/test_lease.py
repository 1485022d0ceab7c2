"""One run at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sfsync.errors import Exit, LeaseHeld
from sfsync.ledger import Ledger, intents, lease
from sfsync.ledger.tables import lease as table

SHORT = timedelta(seconds=0.3)


def rewrite_holder(ledger: Ledger, **changes: object) -> None:
    with ledger.writing() as connection:
        held_by = dict(connection.scalar(sa.select(table.c.holder)))
        connection.execute(table.update().values(holder=held_by | changes))


def dead_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_a_second_run_is_told_who_and_since_when(ledger: Ledger) -> None:
    with lease.acquire(ledger, "mapping:player", run_id="r-1"):
        with pytest.raises(LeaseHeld) as caught:
            lease.acquire(ledger, "mapping:player")
        text = str(caught.value)
        assert str(os.getpid()) in text and os.uname().nodename in text and "since 20" in text and "r-1" in text
        assert caught.value.exit_status == Exit.LEASE and caught.value.code == "LEASE_HELD" and caught.value.next_step
        held_by = lease.holder(ledger, "mapping:player")
        assert held_by is not None and held_by["pid"] == os.getpid()
        lease.acquire(ledger, "mapping:shop").release()
    assert lease.holder(ledger, "mapping:player") is None
    lease.acquire(ledger, "mapping:player").release()


def test_it_is_let_go_when_the_run_fails(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError, match="the run"), lease.acquire(ledger, "x"):
        raise RuntimeError("the run failed")
    assert lease.holder(ledger, "x") is None


def test_the_token_only_grows(ledger: Ledger) -> None:
    tokens = []
    for _ in range(3):
        with lease.acquire(ledger, "x") as held:
            tokens.append(held.token)
    assert tokens == [1, 2, 3]


def test_a_heartbeat_keeps_it_beyond_its_time(ledger: Ledger) -> None:
    with lease.acquire(ledger, "x", ttl=SHORT) as held:
        time.sleep(3 * SHORT.total_seconds())
        with pytest.raises(LeaseHeld):
            lease.acquire(ledger, "x")
        held.check()


def test_an_expired_lease_is_taken_over_and_its_old_holder_can_write_nothing(ledger: Ledger) -> None:
    import numpy as np
    import pandas as pd

    old = lease.acquire(ledger, "x", ttl=timedelta(0))  # its process stands still: no heartbeat
    with lease.acquire(ledger, "x") as new:
        assert new.token == old.token + 1
        cell = pd.Index(["P-1"]), ["a"], np.array([[5]], np.uint64), np.array([[True]])
        with pytest.raises(LeaseHeld) as caught:
            intents.open(ledger, "r1", "player", "platform", "update", *cell, lease=old)
        assert caught.value.code == "LEASE_LOST"
        assert intents.open_intents(ledger) == []
        with pytest.raises(LeaseHeld):
            old.check()
        with pytest.raises(LeaseHeld):
            old.prolong()
        old.release()  # lets go of nothing
        intent_id = intents.open(ledger, "r2", "player", "platform", "update", *cell, lease=new)
        outcome = pd.DataFrame({"result": ["updated"]}, index=cell[0])
        with pytest.raises(LeaseHeld):
            intents.close(ledger, intent_id, outcome, lease=old)
        assert intents.close(ledger, intent_id, outcome, lease=new)
        new.check()


def test_the_lease_of_a_dead_process_of_this_machine_is_taken_over_at_once(ledger: Ledger) -> None:
    lease.acquire(ledger, "x")
    rewrite_holder(ledger, pid=dead_process())
    assert lease.holder(ledger, "x") is None
    assert lease.acquire(ledger, "x").token == 2


def test_a_process_id_of_another_machine_says_nothing(ledger: Ledger) -> None:
    lease.acquire(ledger, "x")
    rewrite_holder(ledger, pid=dead_process(), machine="another boot/1")
    with pytest.raises(LeaseHeld):
        lease.acquire(ledger, "x")
    rewrite_holder(ledger, machine="")
    with pytest.raises(LeaseHeld):
        lease.acquire(ledger, "x")


def test_of_many_at_once_exactly_one_gets_it(reopen: Callable[..., Ledger]) -> None:
    ledgers = [reopen() for _ in range(6)]

    def attempt(one: Ledger) -> bool:
        try:
            lease.acquire(one, "x")
        except LeaseHeld:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(attempt, ledgers)) == 1
