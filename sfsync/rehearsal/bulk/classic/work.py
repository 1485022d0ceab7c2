"""What is done with a batch."""

from __future__ import annotations

from sfsync.rehearsal.bulk.classic import export, load
from sfsync.rehearsal.bulk.classic.orders import QUERIES
from sfsync.rehearsal.bulk.job import Job
from sfsync.rehearsal.bulk.jobs import Jobs


def work(jobs: Jobs, batch: Job) -> None:
    """Loads rows, or runs a query."""
    if batch.operation in QUERIES:
        export.work(jobs, batch)
    else:
        load.work(jobs, batch)
