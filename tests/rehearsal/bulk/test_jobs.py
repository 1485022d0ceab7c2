"""Jobs and batches across a restart, and side by side: the real org, no HTTP."""

from __future__ import annotations

import time
from pathlib import Path

from sfsync.rehearsal.bulk import load, query
from sfsync.rehearsal.bulk.classic import work as classic
from sfsync.rehearsal.bulk.classic.batches import REQUEST, RESULT
from sfsync.rehearsal.bulk.job import BATCH, CLASSIC, COMPLETE, INGEST, QUERY, Job
from sfsync.rehearsal.bulk.jobs import Jobs
from sfsync.rehearsal.bulk.load import UPLOAD
from sfsync.rehearsal.faults import Faults
from sfsync.rehearsal.org import Org


def jobs_of(org: Org) -> Jobs:
    return Jobs(org, Faults(org), {INGEST: load.work, QUERY: query.work, BATCH: classic.work})


def wait(job: Job, state: str = COMPLETE) -> None:
    end = time.monotonic() + 30
    while job.state != state:
        assert time.monotonic() < end, job
        time.sleep(0.005)


def test_a_batch_goes_on_where_it_stopped(tmp_path: Path) -> None:
    org = Org.open(tmp_path)
    jobs = jobs_of(org)
    parent = jobs.create(CLASSIC, "insert", "Contact", "60.0")
    batch = jobs.create(BATCH, "insert", "Contact", "60.0", parent=parent.id)
    jobs.path(batch, REQUEST).write_text("LastName\n" + "".join(f"L{number}\n" for number in range(9000)))
    jobs.begin(batch)
    jobs.start()
    while not batch.rows_done:
        time.sleep(0.001)
    jobs.stop()
    assert 0 < batch.rows_done < 9000
    with jobs.path(batch, RESULT).open("ab") as file:
        file.write(b"written by a process that died before it could commit")
    later = jobs_of(org)
    again = later.get(BATCH, batch.id)
    later.start()
    wait(again)
    later.stop()
    assert (again.rows_done, again.rows_failed) == (9000, 0)
    assert org.query("SELECT COUNT() FROM Contact").total_size == 9000
    lines = jobs.path(batch, RESULT).read_text().splitlines()
    assert (len(lines), len(set(lines))) == (9001, 9001)
    org.close()


def test_a_query_does_not_wait_for_a_load(tmp_path: Path) -> None:
    org = Org.open(tmp_path)
    jobs = jobs_of(org)
    long = jobs.create(INGEST, "insert", "Contact", "60.0", uploaded=True)
    jobs.path(long, UPLOAD).write_text("LastName\n" + "".join(f"L{number}\n" for number in range(40_000)))
    short = jobs.create(QUERY, "query", "Account", "60.0", query="SELECT Id FROM Account")
    jobs.begin(long)
    jobs.begin(short)
    jobs.start()
    wait(short)
    assert long.rows_done < 40_000
    jobs.stop()
    org.close()
