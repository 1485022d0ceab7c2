"""What leaves because of a request: messages to the partner, tasks for the case's owner. Each leaves once.

Before it leaves it is noted under its idempotency key; a way that can be looked at (a file, a task) is looked at when a
run died in between; of one that cannot (SMTP) nobody knows, and a person decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sfsync.faultpoints import hit
from sfsync.ledger import requests
from sfsync.plan.model import Note
from sfsync.planners.requests.life import messages
from sfsync.planners.requests.life.messages import TASK, Due
from sfsync.planners.requests.life.wording import Unfit
from sfsync.planners.requests.steps import Book
from sfsync.runs import posts
from sfsync.runs.bench import Bench
from sfsync.runs.request_view import Seen
from sfsync.runs.running import Run
from sfsync.sides.salesforce.faults import Refused


def say(bench: Bench, book: Book, run: Run, seen: Sequence[Seen]) -> None:
    """Notes what is due, then sends what has not left yet."""
    wanted = {
        d.key: (d, s) for s in seen for d in messages.due(book, s.request, s.facts, s.trail, s.standing, bench.as_of)
    }
    way = bench.settings.messages.send
    rows = [_row(due, "task" if due.kind == TASK else way) for due, _ in wanted.values()]
    left = requests.due(bench.ledger, rows)
    hit("requests.due")
    for row in left:
        due, one = wanted[row["effect_key"]]
        _send(bench, book, run, row, due, one)


def _row(due: Due, way: str) -> dict[str, Any]:
    return {
        "effect_key": due.key,
        "case_key": due.case_key,
        "kind": due.kind,
        "code": due.code,
        "occasion": due.occasion,
        "language": due.language,
        "way": way,
    }


def _send(bench: Bench, book: Book, run: Run, row: dict[str, Any], due: Due, one: Seen) -> None:
    try:
        post = posts.task(bench, due, one) if due.kind == TASK else posts.message(bench, book, due, one)
    except Unfit as error:
        requests.leave(bench.ledger, due.key, "withheld", error.code)
        run.result.findings.append(_withheld(due, one, error.code, error.next_step))
        return
    if row["state"] == "leaving" and not post.again:
        requests.leave(bench.ledger, due.key, "doubt", "IN_DOUBT")
        step = "Look whether it arrived; if it did not, send it by hand."
        run.result.findings.append(_withheld(due, one, "IN_DOUBT", step))
        return
    requests.leave(bench.ledger, due.key, "leaving", way=post.way)
    hit("requests.leaving")
    try:
        post.send()
    except (posts.NotLeft, Refused):
        requests.leave(bench.ledger, due.key, "due", way=post.way)
        raise
    hit("requests.left")
    requests.leave(bench.ledger, due.key, "sent", way=post.way)


def _withheld(due: Due, one: Seen, code: str, step: str) -> Note:
    text = f"case {one.facts.case['number']}: {due.code} was not sent"
    return Note(code=code, message=text, level="warning", next_step=step)
