"""Until when what a request did can be taken back (domain requests D.2, column Undo). Pure.

installed           terminals: until the new one is installed, or the old one is retired
shipped             goods: until the case is resolved
first_payment_run   an IBAN: until the first payment run after the change
activated           a new shop: until the platform has it active
next_period         always; what has begun is taken back from the first day of the next month
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sfsync.planners.requests.catalogue import RequestType
from sfsync.planners.requests.life.words import Facts, Request
from sfsync.planners.requests.steps import PaymentRuns, Steps

NEXT = {
    "installed": "Ask for the terminal's withdrawal, or for another one, by a new request (RP-02).",
    "shipped": "Ask for the goods back by a new request.",
    "activated": "Close the shop by a request of its own (RP-26).",
    "first_payment_run": "Make a new request for what is wanted now.",
}
_REMOVES, _REPLACES = ("remove", "ritiro"), ("replace", "sostituzione")
_NEW, _OLD = ("installed", "active", "faulty"), ("retired",)
_LIVE = ("active", "suspended", "closing", "closed", "transferred")
_SHIPPED = ("Resolved", "Closed")
_MONTH = timedelta(days=31)


def closed(
    steps: Steps,
    life: RequestType,
    request: Request,
    facts: Facts,
    answers: Sequence[Mapping[str, Any]],
    states: Mapping[str, str],
    answered: datetime,
    as_of: datetime,
) -> str:
    """What ended the window; empty while it is open.

    ``answers``: objects the platform answered; ``states``: of the shops named there; ``answered``: when it did.
    """
    if life.undo_until == "first_payment_run":
        end = next_payment(steps.payment_runs, steps.zone, answered)
        return f"with the payment run of {end:%Y-%m-%dT%H:%M:%SZ}" if as_of >= end else ""
    if life.undo_until == "installed":
        return _installed(request, facts, answers)
    if life.undo_until == "shipped":
        return "when the goods were shipped" if facts.case.get("status") in _SHIPPED else ""
    if life.undo_until == "activated":
        live = sorted(s for s, state in states.items() if state in _LIVE)
        return f"when shop {live[0]} was activated" if live else ""
    return ""


def _installed(request: Request, facts: Facts, answers: Sequence[Mapping[str, Any]]) -> str:
    """The terminals the platform named, else the one of the request; of a removal, whether the old one is gone."""
    action = request.fields.get("action", "").strip().lower()
    named = [str(a["terminal_id"]) for a in answers if a.get("terminal_id")]
    old = [request.terminal] if action in (*_REMOVES, *_REPLACES) and request.terminal else []
    new = named or ([request.terminal] if request.terminal and not old else [])
    states = {t: str(row.get("state")) for t, row in facts.terminals.items()}
    gone = [t for t in old if states.get(t) in _OLD]
    there = [t for t in new if t not in old and states.get(t) in _NEW]
    if gone:
        return f"when terminal {gone[0]} was retired"
    return f"when terminal {there[0]} was installed" if there else ""


def effective(life: RequestType, request: Request, zone: str, as_of: datetime) -> str:
    """The date from which a period's change is taken back; empty where the way back is at once."""
    if life.undo_until != "next_period":
        return ""
    today = as_of.astimezone(ZoneInfo(zone)).date()
    begins = request.fields.get("effective_on", "")[:10]
    if begins and date.fromisoformat(begins) > today:
        return begins
    return ((today.replace(day=1) + _MONTH).replace(day=1)).isoformat()


def next_payment(runs: PaymentRuns, zone: str, after: datetime) -> datetime:
    """The first payment run after an instant, as an instant in UTC."""
    local = after.astimezone(ZoneInfo(zone))
    at = time.fromisoformat(runs.at)
    day = local.date()
    for _ in range(62):
        last = monthrange(day.year, day.month)[1]
        if day.day in {min(d, last) for d in runs.days}:
            moment = datetime.combine(day, at, ZoneInfo(zone))
            if moment > local:
                return moment.astimezone(UTC)
        day += timedelta(days=1)
    return after + timedelta(days=62)
