"""What becomes of the case of a request as its steps go on: its status, and when it was resolved."""

from __future__ import annotations

from datetime import datetime

from sfsync.planners.requests.life.words import State
from sfsync.planners.requests.steps import Book
from sfsync.runs.request_view import Seen

KEPT_OPEN = ("NOT_KEPT", "PARTLY")  # a person looks before the case is resolved


def cells(book: Book, one: Seen, as_of: datetime) -> dict[str, str | None]:
    """The case's cells this standing asks for; an end is written once, people may go on from there."""
    state, status = one.standing.state, str(one.facts.case["status"])
    words = book.lives[one.request.code].messages
    if one.facts.case["hold"] or (one.row["ended_at"] and one.row["state"] == state):
        return {}
    ended = {"resolved_at": as_of.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if state is State.DONE and "done" in words and one.standing.reason not in KEPT_OPEN:
        return {} if status in ("Resolved", "Closed") else {"status": "Resolved", **ended}
    if state is State.REFUSED:
        end = "Closed" if one.standing.reason == "EXPIRED" else "Resolved"
        return {} if status in ("Resolved", "Closed", "Cancelled") else {"status": end, **ended}
    if state is State.BLOCKED:
        return {} if status == "WaitingPartner" else {"status": "WaitingPartner"}
    if status == "WaitingPartner" and one.row["state"] == State.BLOCKED:
        return {"status": "InProgress"}  # the partner has answered: the clock is ours again
    if state is State.RUNNING and status in ("New", "Open", "WaitingPartner"):
        return {"status": "InProgress"}
    return (
        {"status": "InProgress", "resolved_at": None}
        if state in (State.UNDOING, State.UNDONE) and status == "Resolved"
        else {}
    )
