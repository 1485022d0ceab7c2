"""Approvals given in Salesforce: requests that wait for a mark go to the process of the org, where it has one.

Who decided there counts as ``partners approve`` does: for the plan that was submitted, for the marks this user may
give, and never if it is who asked or who carries it out.
"""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.ledger import requests
from sfsync.ledger.requests import Decision
from sfsync.planners.requests.life.marks import clash, needed
from sfsync.planners.requests.life.words import State
from sfsync.planners.requests.steps import Book
from sfsync.runs.bench import Bench
from sfsync.runs.request_decide import may
from sfsync.runs.request_view import Seen
from sfsync.sides.salesforce import approvals

SOURCE = "salesforce"


def exchange(bench: Bench, book: Book, seen: Sequence[Seen]) -> bool:
    """Takes over what was decided in the org, submits what waits; True if the ledger knows more than before."""
    process = book.steps.approval_process
    waiting = {str(s.facts.case["id"]): s for s in seen if s.standing.state in (State.WAITING, State.BLOCKED)}
    if not process or not waiting:
        return False
    decided, pending = approvals.decisions(bench.salesforce.query, list(waiting))
    learned = [_learn(bench, book, waiting[d.record], d) for d in decided if d.plan_hash == waiting[d.record].hash]
    done = {(d.record, d.plan_hash) for d in decided}
    for record, one in waiting.items():
        if one.standing.marks() and record not in pending and (record, one.hash) not in done:
            approvals.submit(bench.salesforce.session, record, process, one.hash)
    return any(learned)


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
