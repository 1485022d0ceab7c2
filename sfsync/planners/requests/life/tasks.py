"""Which tasks a request's standing calls for: something only a person can do, at the case, each once. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sfsync.planners.requests.catalogue import Deadline
from sfsync.planners.requests.life.words import Facts, Request, Standing, State, Trail
from sfsync.planners.requests.steps import Book

UNCONFIRMED, REPLACE, TWICE = "UNCONFIRMED", "REPLACE_TERMINAL", "ASKED_TWICE"
REFUSED, INFORMED, CLOSING = "TELL_PARTNER", "INFORM_MANAGER", "SHOP_CLOSES"
GONE = ("retired",)


def wanted(
    book: Book, request: Request, facts: Facts, trail: Trail, standing: Standing, as_of: datetime, *, silent: bool
) -> Iterator[tuple[str, str, str]]:
    """Code, occasion and day (ISO, or empty) of each task. ``silent``: it was refused, and no message says why."""
    life = book.lives[request.code]
    yield from ((UNCONFIRMED, key, "") for key in _unconfirmed(book, trail, as_of))
    proposing = [int(e["propose_from"]) for s in life.steps if "propose_from" in (e := s.model_extra or {})]
    if proposing and facts.faults >= proposing[0]:
        yield REPLACE, request.terminal, ""
    if facts.twins:
        yield TWICE, "twice", ""
    if standing.reason in ("NOT_KEPT", "PARTLY"):
        yield standing.reason, "done", ""
    if trail.plan_hash and any(s.do == "shop_close" for s in life.steps):
        yield CLOSING, "begun", ""
    if silent:
        yield REFUSED, "refused", ""
    if life.informs:
        yield INFORMED, "taken", ""
    if life.deadline and (day := _deadline(life.deadline, request, standing)):
        yield life.deadline.task, "deadline", day


def closing(facts: Facts) -> str:
    """What is left to do at a shop that closes: its open cases, and the terminals to bring back."""
    terminals = sorted(t for t, row in facts.terminals.items() if row["state"] not in GONE)
    return f"Open cases: {', '.join(facts.open_cases) or 'none'}\nTerminals: {', '.join(terminals) or 'none'}"


def _unconfirmed(book: Book, trail: Trail, as_of: datetime) -> Iterator[str]:
    limit = timedelta(hours=book.steps.unconfirmed_hours)
    for sent in trail.sent:
        if sent.state == "requested" and sent.requested_at and as_of - sent.requested_at >= limit:
            yield sent.key[:16]


def _deadline(rule: Deadline, request: Request, standing: Standing) -> str:
    """The day of a term that runs from a date of the request; empty while there is none to watch."""
    text = request.fields.get(rule.field, "")[:10]
    if not text or (rule.when == "done") != (standing.state is State.DONE):
        return ""
    return (date.fromisoformat(text) + timedelta(days=rule.days)).isoformat()
