"""Tasks for who owns a case: a pause came to its limit, and somebody has to go on (policy C.4, pause rule 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfsync.runs.bench import Bench
from sfsync.sides.salesforce import soql

SUBJECT = "A pause came to its limit; the clocks run again"
USER = "005"  # a queue cannot own a task; it has the comment and the notice


def ask(bench: Bench, rungs: Sequence[tuple[dict[str, Any], str]]) -> None:
    """One task per rung (with its mark, by which it is found again) for the case's owner."""
    if not rungs:
        return
    ids = sorted({rung["case_id"] for rung, _ in rungs})
    owners, there = _owners(bench, ids), _there(bench, ids)
    subjects = {f"{SUBJECT} {mark}": rung["case_id"] for rung, mark in rungs}
    rows = [
        {"WhatId": case, "OwnerId": owners[case], "Subject": subject, "Status": "Not Started", "Priority": "High"}
        for subject, case in subjects.items()
        if subject not in there and owners.get(case, "").startswith(USER)
    ]
    bench.salesforce.insert("Task", rows)


def _owners(bench: Bench, ids: list[str]) -> dict[str, str]:
    clauses = soql.in_lists("Id", ids, soql.URL_CHARS - 200)
    pages = bench.salesforce.queries.all_pages([soql.select(["Id", "OwnerId"], "Case", c) for c in clauses])
    return {str(row["Id"]): str(row["OwnerId"]) for page in pages for row in page.rows}


def _there(bench: Bench, ids: list[str]) -> set[str]:
    clauses = soql.in_lists("WhatId", ids, soql.URL_CHARS - 200)
    pages = bench.salesforce.queries.all_pages([soql.select(["Subject"], "Task", c) for c in clauses])
    return {str(row["Subject"]) for page in pages for row in page.rows}
