"""Outcomes nobody saw: the reply is lost, the client gives up, somebody dies; what was done is found, not done again.

The org and the run are processes of their own. Bulk is taken from the first row on where a test is about jobs.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sfsync.ledger import intents
from sfsync.runs.bench import Bench
from tests.chaos.nursery import Child, Nursery
from tests.chaos.stage import Stage
from tests.e2e.world import Ran

BULK, COLLECTIONS = {"small_rows": 0}, {"small_rows": 5_000}
ONCE = {"attempts": 1}  # a run that asks only once: the lost reply stays lost
JOB = "GET .*/jobs/ingest/[^/?]+$"


@pytest.fixture(scope="module")
def in_step(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A world in step whose org can be killed."""
    place = tmp_path_factory.mktemp("unknown")
    nursery = Nursery(place / "logs")
    with closing(nursery), closing(Stage(place / "world", nursery, seed=7)) as stage:
        assert ended(started(stage)).exit == 0
        yield stage


@pytest.fixture
def stage(in_step: Stage) -> Iterator[Stage]:
    """The world before a test: calm, nothing to do; and after it."""
    yield in_step
    in_step.calm()
    in_step.world.control("jobs", finish="now")


@pytest.fixture
def cities(stage: Stage, request: pytest.FixtureRequest) -> dict[str, str]:
    """New towns of six players, and a new player: what the run of a test has to write."""
    town = f"Borgo {zlib.crc32(request.node.name.encode())}"
    keys = [r[0] for r in stage.world.sql("SELECT player_id FROM players ORDER BY player_id LIMIT 6")]
    for key in keys:
        stage.world.edit("players", key, city=town)
    return dict.fromkeys(keys, town)


def started(stage: Stage, numbers: dict[str, Any] | None = None, **environment: str) -> Child:
    """A sync of the players in a process of its own."""
    told = ["--config", str(stage.world.toml), "sync", "--json"]
    return stage.nursery.start(told, numbers=numbers or {}, environment=environment)


def ended(child: Child) -> Ran:
    """How it ended; its sums close."""
    status = child.end(within_s=60)
    ran = Ran(status, child.out, child.err)
    return ran.assert_closed() if "mappings" in ran.out else ran


def jobs(stage: Stage) -> list[dict[str, Any]]:
    """The ingest jobs the org has ever seen."""
    found: list[dict[str, Any]] = stage.world.org.restful("jobs/ingest")["records"]
    return found


def arrived(stage: Stage, cities: dict[str, str]) -> bool:
    """True if every player is there, once, in the new town."""
    keys = ", ".join(f"'{k}'" for k in cities)
    soql = f"SELECT SFS_Player_Id__c, PersonMailingCity FROM Account WHERE SFS_Player_Id__c IN ({keys})"
    rows = [(r["SFS_Player_Id__c"], r["PersonMailingCity"]) for r in stage.world.rows(soql)]
    return sorted(rows) == sorted(cities.items())


def unseen(stage: Stage) -> int:
    """Rows of the ledger's open intents."""
    from datetime import UTC, datetime

    with Bench.open(stage.world.toml, datetime.now(UTC)) as bench:
        return sum(len(one) for one in intents.open_intents(bench.ledger))


def nothing_left(stage: Stage) -> None:
    """The next run, a full one, has nothing to write, and no batch is without its end."""
    ran = stage.world.run("sync", "--json", "--full")
    assert (ran.exit, ran.assert_closed().written()) == (0, {})
    assert unseen(stage) == 0


# -- the reply is lost after the org has done the work ----------------------------------------------------------------


LOST = {
    "collections": (COLLECTIONS, "POST .*/composite"),
    "job closed": (BULK, "PATCH .*/jobs/ingest"),
    "job looked at": (BULK, JOB),
    "results": (BULK, "GET .*/successfulResults"),
}


@pytest.mark.parametrize("way", list(LOST))
def test_a_reply_lost_after_the_commit_is_read_back(stage: Stage, cities: dict[str, str], way: str) -> None:
    numbers, match = LOST[way]
    before = len(jobs(stage))
    stage.world.control("faults", kind="drop_after", match=match, times=1)
    first = ended(started(stage, {**numbers, **ONCE}))
    second = ended(started(stage, numbers))
    told = [r.written().get(("player", "salesforce"), {}) for r in (first, second) if r.out and "mappings" in r.doc]
    assert arrived(stage, cities)
    assert sum(t.get("updated", 0) for t in told) in (0, len(cities)), "no row is reported twice"
    assert second.exit == 0
    assert len(jobs(stage)) - before == (way != "collections"), "nothing was sent again"
    nothing_left(stage)


def test_a_reply_lost_within_a_run_is_asked_for_again(stage: Stage, cities: dict[str, str]) -> None:
    """Absolute values by key: the same call twice makes no twin, and the numbers are those of one."""
    stage.world.copy_row("players", "P-0000001", "P-LOST", username="persa", email="persa@posta.example")
    stage.world.control("faults", kind="drop_after", match="POST .*/composite", times=2)
    ran = ended(started(stage, COLLECTIONS))
    assert ran.exit == 0
    done = ran.written()["player", "salesforce"]
    assert sum(done.values()) == len(cities) + 1, done
    assert arrived(stage, cities)
    assert len(stage.world.rows("SELECT Id FROM Account WHERE SFS_Player_Id__c = 'P-LOST'")) == 1
    nothing_left(stage)


# -- the client gives up, the org goes on -----------------------------------------------------------------------------


def test_a_job_that_shows_no_end_is_read_back(stage: Stage, cities: dict[str, str]) -> None:
    """The rows are in, the job only does not say so yet: what can be seen is done."""
    before = len(jobs(stage))
    stage.world.control("jobs", finish="seconds", t=2.0)
    first = ended(started(stage, {**BULK, "limit_s": 0.2}))
    assert (first.exit, first.part("player", "salesforce")) == (0, {"updated": len(cities)}), first.err
    assert arrived(stage, cities)
    assert len(jobs(stage)) == before + 1
    nothing_left(stage)


def test_a_job_that_outlives_the_client_is_found_by_the_next_run(stage: Stage, cities: dict[str, str]) -> None:
    """The client gives up while the job has not even begun; the rows come later, by themselves."""
    before = len(jobs(stage))
    stage.world.control("faults", kind="latency", match="PATCH .*/jobs/ingest", ms=4_000, times=1)
    first = ended(started(stage, {**BULK, **ONCE}, SFSYNC_SALESFORCE__TIMEOUT_S="2"))
    assert first.part("player", "salesforce") == {"held": len(cities)}, first.err
    assert (arrived(stage, cities), unseen(stage)) == (False, len(cities)), "the job was to be still at work"
    working(stage, before)
    second = ended(started(stage, BULK))
    assert (second.exit, second.written()) == (0, {}), "what the job did needs no writing"
    assert len(jobs(stage)) == before + 1, "the rows travelled once"
    assert arrived(stage, cities)
    nothing_left(stage)


def test_a_call_that_outlives_the_client_is_read_back(stage: Stage, cities: dict[str, str]) -> None:
    stage.world.control("faults", kind="latency", match="POST .*/composite", ms=1_500, times=1)
    first = ended(started(stage, {**COLLECTIONS, **ONCE}, SFSYNC_SALESFORCE__TIMEOUT_S="0.5"))
    time.sleep(1.2)  # the org does it meanwhile
    assert first.exit in (0, 3, 4, 9), first.err
    assert ended(started(stage)).exit == 0
    assert arrived(stage, cities)
    nothing_left(stage)


# -- somebody dies ----------------------------------------------------------------------------------------------------


def working(stage: Stage, before: int) -> None:
    """Waits until a new job is at work."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        new = jobs(stage)
        if len(new) > before and all(j["state"] != "Open" for j in new):
            return
        time.sleep(0.02)
    raise AssertionError("no job began")


def test_a_job_is_found_again_by_its_id_after_a_kill(stage: Stage, cities: dict[str, str]) -> None:
    before = len(jobs(stage))
    stage.world.control("jobs", finish="seconds", t=1.5)
    child = started(stage, BULK)
    working(stage, before)
    assert child.kill() == -9
    assert unseen(stage) == len(cities), "the intent says what may be under way"
    second = ended(started(stage, BULK))
    assert (second.exit, second.part("player", "salesforce")) == (0, {}), second.err
    assert len(jobs(stage)) == before + 1, "nothing was sent again"
    assert arrived(stage, cities)
    nothing_left(stage)


def test_a_job_nobody_filled_is_ended_after_a_kill(stage: Stage, cities: dict[str, str]) -> None:
    """Killed between the job's id and its first byte: the job is aborted, the rows travel in another."""
    before = {j["id"] for j in jobs(stage)}
    child = started(stage, BULK, SFSYNC_FAULTPOINT="ledger.intent.job")
    assert child.end() == -9
    [orphan] = [j["id"] for j in jobs(stage) if j["id"] not in before]
    assert ended(started(stage, BULK)).exit == 0
    assert {j["id"]: j["state"] for j in jobs(stage)}[orphan] == "Aborted"
    assert arrived(stage, cities)
    nothing_left(stage)


def test_an_org_that_is_killed_in_mid_job_and_comes_back(stage: Stage, cities: dict[str, str]) -> None:
    before = len(jobs(stage))
    stage.world.control("jobs", finish="seconds", t=1.5)
    child = started(stage, BULK)
    working(stage, before)
    stage.restart_org()
    first = ended(child)
    assert first.exit in (0, 3, 4, 9), first.err
    assert ended(started(stage, BULK)).exit == 0
    assert arrived(stage, cities)
    assert len(jobs(stage)) == before + 1, "nothing was sent again"
    nothing_left(stage)


def test_a_session_that_ends_in_mid_job_is_renewed(stage: Stage, cities: dict[str, str]) -> None:
    before = len(jobs(stage))
    stage.world.control("faults", kind="expire_session", match=JOB, times=1)
    stage.world.control("faults", kind="expire_session", match="Results", times=1)
    ran = ended(started(stage, BULK))
    assert (ran.exit, ran.part("player", "salesforce")) == (0, {"updated": len(cities)}), ran.err
    assert len(jobs(stage)) == before + 1
    assert arrived(stage, cities)
    nothing_left(stage)


def test_what_is_said_names_no_person(stage: Stage, cities: dict[str, str], tmp_path: Path) -> None:
    """A lost run's error is one document with a code, on stdout, and no value of a record anywhere."""
    stage.world.control("faults", kind="drop_before", match="query", times=None)
    ran = ended(started(stage, ONCE))
    assert (ran.exit, json.loads(ran.out)["error"]["code"]) == (9, "SALESFORCE_UNREACHABLE")
    assert next(iter(cities.values())) not in ran.out + ran.err
