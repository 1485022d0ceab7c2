"""Bulk API 2.0 query: large results, page after page, memory flat (wire reference 12)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import IO

import pandas as pd

from sfsync.sides.salesforce import faults
from sfsync.sides.salesforce.blocks import blocks
from sfsync.sides.salesforce.jobs import Jobs
from sfsync.sides.salesforce.session import Session

PAGE_ROWS = 250_000


class BulkQuery:
    """Runs ``queryAll`` jobs."""

    def __init__(self, session: Session, jobs: Jobs) -> None:
        self._session = session
        self._jobs = jobs

    def frames(self, soql: str, columns: Sequence[str], expected: int = 0) -> Iterator[pd.DataFrame]:
        """The result in pieces of raw text columns; a column of only nulls that the CSV lacks is added.

        A page costs a call, so pages are large; they pass through a file on disk.
        """
        job_id = self._jobs.create({"operation": "queryAll", "query": soql})["id"]
        with self._jobs.abandoned_on_error(job_id):
            ended = self._jobs.wait(job_id, expected)
        if ended["state"] != "JobComplete":
            raise faults.Refused(400, [faults.of_job(ended.get("errorMessage", ""))], "Bulk query")
        locator = ""
        while locator != "null":
            with tempfile.TemporaryFile() as file:
                locator = self._page(job_id, locator, file)
                yield from blocks(file, columns)

    def _page(self, job_id: str, locator: str, file: IO[bytes]) -> str:
        """Downloads one page; says where the next one is."""
        rest = f"results?maxRecords={PAGE_ROWS}" + (f"&locator={locator}" if locator else "")
        headers = {"Accept": "text/csv"}
        answer = self._session.call("GET", self._jobs.path(job_id, rest), headers=headers, into=file)
        return answer.headers.get("Sforce-Locator") or "null"
