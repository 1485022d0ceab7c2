"""Approvals given in Salesforce: requests that wait for a mark go to the process of the org, where it has one.

Who decided there counts as ``partners approve`` does: for the plan that was submitted, for the marks this user may
give, and never if it is who asked or who carries it out.
"""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.errors import SideError
from sfsync.ledger import requests
from sfsync.ledger.requests import Decision
from sfsync.plan.model import Note
from sfsync.planners.requests.life.marks import clash, needed
from sfsync.planners.requests.life.words import State
from sfsync.planners.requests.steps import Book
from sfsync.runs.bench import Bench
from sfsync.runs.request_decide import may
from sfsync.runs.request_view import Seen
from sfsync.sides.salesforce import approvals
from sfsync.sides.salesforce.faults import Refused

SOURCE = "salesforce"
BAD_REQUEST = 400


def exchange(bench: Bench, book: Book, seen: Sequence[Seen], refused: dict[str, Note]) -> bool:
    """Takes over what was decided in the org, submits what waits; True if the ledger knows more than before.

    ``refused``: what the process did not take, by case key, with the finding; filled here, and not tried again.
    """
    process = book.steps.approval_process
    waiting = {str(s.facts.case["id"]): s for s in seen if s.standing.state in (State.WAITING, State.BLOCKED)}
    if not process or not waiting:
        return False
    decided, pending = approvals.decisions(bench.salesforce.query, list(waiting))
    learned = [_learn(bench, book, waiting[d.record], d) for d in decided if d.plan_hash == waiting[d.record].hash]
    done = {(d.record, d.plan_hash) for d in decided}
    for record, one in waiting.items():
        if one.standing.marks() and record not in pending and (record, one.hash) not in done:
            _submit(bench, one, process, refused)
    return any(learned)


def _submit(bench: Bench, one: Seen, process: str, refused: dict[str, Note]) -> None:
    """A case the process does not take stays with the command line, and keeps no other from its steps."""
    if one.key in refused:
        return
    try:
        approvals.submit(bench.salesforce.session, str(one.facts.case["id"]), process, one.hash)
    except SideError as error:
        if error.code == "ALREADY_IN_PROCESS":
            return
        if error.code != "APPROVAL_SUBMIT" and not (isinstance(error, Refused) and error.status == BAD_REQUEST):
            raise
        text = f"case {one.facts.case['number']}: {error.message}"
        refused[one.key] = Note(code="APPROVAL_SUBMIT", message=text, level="error", next_step=error.next_step)


def _learn(bench: Bench, book: Book, one: Seen, told: approvals.Decision) -> bool:
    """Notes a decision that is not known yet and that this person may make."""
    known = {(m.mark, m.by.lower()) for m in one.trail.marks if m.plan_hash == told.plan_hash}
    wanted = needed(book.lives[one.request.code], one.request, one.facts)
    if clash(told.by, one.request, bench.salesforce.username()):
        return False
    mine = [m for m in wanted if told.by.lower() in may(bench, book, m, one.request.shop)]
    given = {m for m, by in known if by == told.by.lower()}
    free = [m for m in mine if not given and m in one.standing.marks()]
    for mark in free[:1]:
        decision = Decision(one.key, mark, told.by, told.plan_hash, told.approved, "", SOURCE)
        requests.decide(bench.ledger, decision, bench.actor)
    return bool(free)
