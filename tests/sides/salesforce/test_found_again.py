"""A Bulk job whose run died is found again by its id, and its own result files say what became of each row."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfsync.ledger import Ledger, base, intents, issues
from sfsync.mapping.model import Mapping
from sfsync.plan import recover as module
from sfsync.plan.recover import over, recover
from sfsync.sides.memory import MemorySide
from sfsync.sides.salesforce.side import SalesforceSide
from sfsync.sides.salesforce.ways import Ways
from tests.sides.salesforce.conftest import ROOT, World
from tests.sides.salesforce.loader import ROWS, batch, ledger_in, left_open

BULK = Ways(small_rows=50)
BAD = "C-00007"
NOBODY = MemorySide("platform", now=datetime(2026, 1, 1, tzinfo=UTC))  # the platform has no part in this


@pytest.fixture
def company(mappings: dict[str, Mapping]) -> Mapping:
    return mappings["company"]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = ledger_in(tmp_path)
    yield made
    made.close()


@pytest.fixture
def side(world: World, company: Mapping) -> SalesforceSide:
    made = world.side(ways=BULK)
    made.prepare([company])
    return made


def jobs_of(ledger: Ledger) -> list[str]:
    [intent] = intents.open_intents(ledger)
    return str(intent.job_id).split(",")


def is_known(ledger: Ledger, company: Mapping, *, rows: int) -> None:
    """The base holds what was meant for so many rows, with ids, and nothing is open once the run is over."""
    over(ledger, "company", "another run")
    assert intents.open_intents(ledger) == []
    write = batch(company)
    found = base.read(ledger, "company", company.columns, write.keys)
    assert len(found) == rows
    assert found.ids.notna().all()
    meant = ledger.digest.frame(write.values.loc[found.keys], company)
    touched = write.touched[write.keys.get_indexer(found.keys)]
    assert (found.digests == meant * touched).all()


def test_its_result_files_are_the_outcome(ledger: Ledger, side: SalesforceSide, company: Mapping) -> None:
    left_open(ledger, side, company)
    before = side.api_calls
    doubt = recover(ledger, NOBODY, side, company)
    assert doubt is None
    assert side.api_calls - before <= 4  # its state and its files; no record is read back
    is_known(ledger, company, rows=119)
    [failure] = issues.failures(ledger, "company")[["key", "code"]].to_numpy().tolist()
    assert tuple(failure) == (BAD, "INVALID_EMAIL_ADDRESS")


def test_a_later_edit_does_not_hide_that_a_row_was_written(
    ledger: Ledger, side: SalesforceSide, company: Mapping, world: World
) -> None:
    made = left_open(ledger, side, company)
    other = world.side(ways=BULK)
    write = batch(company)
    edit = write.values.assign(legal_name="Edited")
    list(
        other.write(
            company,
            type(write)("update", write.keys[:3], made["id"].reindex(write.keys[:3]), edit[:3], write.touched[:3]),
        )
    )
    assert recover(ledger, NOBODY, side, company) is None
    is_known(ledger, company, rows=119)


@pytest.mark.parametrize("forgotten", [False, True])
def test_without_results_what_is_there_counts(
    ledger: Ledger, side: SalesforceSide, company: Mapping, monkeypatch: pytest.MonkeyPatch, forgotten: bool
) -> None:
    """Few rows are asked for by name, many are found among what changed since."""
    left_open(ledger, side, company)
    for job_id in jobs_of(ledger):
        side.session.call("DELETE", f"jobs/ingest/{job_id}")
    monkeypatch.setattr(module, "MANY_ROWS", 50 if forgotten else 5_000)
    doubt = recover(ledger, NOBODY, side, company)
    assert set(doubt["key"]) == {BAD}
    is_known(ledger, company, rows=119)


KILLED = {"ledger.intent.job": 0, "bulk.uploaded": 0, "bulk.started": 119, "bulk.ended": 119}


@pytest.mark.parametrize("point", list(KILLED))
def test_killed_in_the_middle_of_a_job(
    world: World, ledger: Ledger, side: SalesforceSide, company: Mapping, tmp_path: Path, point: str
) -> None:
    assert _killed(world, tmp_path, point) == -signal.SIGKILL
    doubt = recover(ledger, NOBODY, side, company)
    [n] = [row["n"] for row in side.query("SELECT COUNT(Id) n FROM Account")]
    assert n == KILLED[point]
    if KILLED[point]:
        assert doubt is None
        is_known(ledger, company, rows=119)
    else:  # nobody started the job: it is aborted, nothing was written, all is planned again
        assert set(doubt["key"]) == set(ROWS)
        assert len(intents.open_intents(ledger)) == 1, "in doubt until the run has asked"
        over(ledger, "company", "another run")
        assert intents.open_intents(ledger) == []
    jobs = side.session.call("GET", "jobs/ingest").data["records"]
    assert {job["state"] for job in jobs} == {"JobComplete" if KILLED[point] else "Aborted"}


def _killed(world: World, folder: Path, point: str) -> int:
    order: dict[str, Any] = {
        "folder": str(folder),
        "salesforce": {
            "auth": "session",
            "instance_url": world.ready.instance_url,
            "access_token": world.ready.access_token,
            "username": world.ready.username,
        },
    }
    command = [sys.executable, "-m", "tests.sides.salesforce.loader", json.dumps(order)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "SFSYNC_FAULTPOINT": point}, check=False).returncode
