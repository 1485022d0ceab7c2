"""Several jobs of one write: the next one is made and uploaded while one is at work, but never runs beside it."""

from __future__ import annotations

import logging
import time
from typing import Any

import pandas as pd
import pytest

from sfsync import settings
from sfsync.errors import BudgetReached
from sfsync.mapping.model import Mapping
from sfsync.sides.salesforce.lanes import Shape
from sfsync.sides.salesforce.ways import Ways
from tests.sides.salesforce.conftest import World, companies, outcomes, write_of

THREE = Ways(small_rows=50, shape=Shape(batch_rows=20, job_rows=100))


@pytest.fixture
def company(mappings: dict[str, Mapping]) -> Mapping:
    return mappings["company"]


def steps(caplog: pytest.LogCaptureFixture, jobs: list[str]) -> list[str]:
    """The calls about the jobs, as letters: made is not seen, u uploaded, s started, e seen at its end, r read."""
    letter = {"PUT": "u", "PATCH": "s"}
    found = []
    for record in caplog.records:
        path, method = getattr(record, "path", ""), getattr(record, "method", "")
        for number, job in enumerate(jobs, 1):
            if job in path:
                found.append(f"{letter.get(method, 'r' if path.endswith('Results') else 'e')}{number}")
    return list(dict.fromkeys(found))


def test_the_next_job_is_ready_when_one_ends(world: World, company: Mapping, caplog: pytest.LogCaptureFixture) -> None:
    side = world.side(ways=THREE)
    jobs: list[str] = []
    side.on_job = jobs.append
    with caplog.at_level(logging.DEBUG, "sfsync.salesforce"):
        found = outcomes(side.write(company, write_of(company, "create", companies(250))))
    assert found["result"].tolist() == ["created"] * 250
    assert steps(caplog, jobs) == ["u1", "s1", "u2", "e1", "s2", "r1", "u3", "e2", "s3", "r2", "e3", "r3"]


def test_updates_without_a_refusal_need_no_result_file(
    world: World, company: Mapping, caplog: pytest.LogCaptureFixture
) -> None:
    side = world.side(ways=THREE)
    made = outcomes(side.write(company, write_of(company, "create", companies(90))))
    change = write_of(company, "update", {k: {"legal_name": "X"} for k in companies(90)}, made["id"].tolist())
    jobs: list[str] = []
    side.on_job = jobs.append
    with caplog.at_level(logging.DEBUG, "sfsync.salesforce"):
        found = outcomes(side.write(company, change))
    assert found["result"].tolist() == ["updated"] * 90
    assert found["id"].tolist() == made["id"].tolist()
    assert steps(caplog, jobs) == ["u1", "s1", "e1"]


@pytest.mark.parametrize("calls", [4, 6, 8, 10, 12, 15, 18])
def test_wherever_the_budget_ends_the_rows_are_told_right(world: World, company: Mapping, calls: int) -> None:
    world.control("limits", DailyApiRequests={"Max": 100, "Remaining": 100})
    side = world.side(settings.Budget(per_run=calls / 100, org_wide_stop=1), THREE)
    jobs: list[str] = []
    side.on_job = jobs.append
    found = [pd.DataFrame({"result": []})]
    try:
        for one in side.write(company, write_of(company, "create", companies(250))):
            found.append(one.rows)
    except BudgetReached:
        pass
    told = pd.concat(found)
    assert told.index.is_unique
    states = [_at_rest(world, job) for job in jobs]
    there = {row["SFS_Company_Code__c"] for row in world.side().query("SELECT SFS_Company_Code__c FROM Account")}
    assert set(told.index[told["result"] == "created"]) <= there
    assert there <= set(told.index), "nothing is written of which nobody knows"
    assert set(states) <= {"JobComplete", "Aborted", "Open"}
    if "Open" in states:  # not even a call to start or abort it was left: its rows are looked for by the next run
        assert "unknown" in set(told["result"])


def test_a_stop_while_a_job_is_at_work_still_tells_of_it(world: World, company: Mapping) -> None:
    """Record types, make, upload and start take four calls: the second write needs ids, and there is none left."""
    world.control("limits", DailyApiRequests={"Max": 100, "Remaining": 100})
    side = world.side(settings.Budget(per_run=0.04, org_wide_stop=1), THREE)
    jobs: list[str] = []
    rows = companies(90)
    writes = [(write_of(company, kind, rows), jobs.append) for kind in ("create", "update")]
    told: dict[int, list[pd.DataFrame]] = {0: [], 1: []}
    with pytest.raises(BudgetReached):
        for number, one in side.write_many(company, iter(writes)):
            told[number].append(one.rows)
    assert _at_rest(world, jobs[0]) == "JobComplete"
    assert pd.concat(told[0])["result"].to_dict() == dict.fromkeys(rows, "unknown")


def _at_rest(world: World, job: str) -> Any:
    """The state of a job that is not at work: a run may stop while the org is still busy with it."""
    side, until = world.side(), time.monotonic() + 30
    while time.monotonic() < until:
        found = side.job_state(job)
        assert found is not None
        if found["state"] not in ("UploadComplete", "InProgress"):
            return found["state"]
        time.sleep(0.02)
    raise AssertionError(f"{job} does not end")
