"""Which messages a request's standing calls for, and their texts. Pure.

A message is due once for ever: its key is made of the case, the code and the occasion. Automatic texts promise nothing
beyond the clock, and hold no value a partner wrote (domain requests D.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from sfsync.planners.requests.catalogue import RequestType
from sfsync.planners.requests.life.wording import fill, fit
from sfsync.planners.requests.life.words import Facts, Request, Standing, State, Trail, Wait
from sfsync.planners.requests.steps import Book

MESSAGE, TASK = "message", "task"
UNCONFIRMED, REPLACE, TWICE = "UNCONFIRMED", "REPLACE_TERMINAL", "ASKED_TWICE"
_LATE = ("EXPIRED", "LATE")


@dataclass(frozen=True)
class Due:
    """Something to say or to give to somebody. ``key`` is its idempotency key."""

    key: str
    case_key: str
    kind: str
    code: str
    occasion: str
    language: str


def due(book: Book, request: Request, facts: Facts, trail: Trail, standing: Standing, as_of: datetime) -> Iterator[Due]:
    """What this standing calls for; what was said before has the same key again."""
    life = book.lives[request.code]
    if not facts.case.get("hold"):  # compliance holds the case: nothing leaves by itself
        for code, occasion in _said(life, request, facts, trail, standing, as_of):
            yield _due(request, MESSAGE, code, occasion)
    limit = timedelta(hours=book.steps.unconfirmed_hours)
    for sent in trail.sent:
        if sent.state == "requested" and sent.requested_at and as_of - sent.requested_at >= limit:
            yield _due(request, TASK, UNCONFIRMED, sent.key[:16])
    proposing = [int(e["propose_from"]) for s in life.steps if "propose_from" in (e := s.model_extra or {})]
    if proposing and facts.faults >= proposing[0]:
        yield _due(request, TASK, REPLACE, request.terminal)
    if facts.twins:
        yield _due(request, TASK, TWICE, "twice")
    if standing.reason == "NOT_KEPT":
        yield _due(request, TASK, "NOT_KEPT", "done")


def _due(request: Request, kind: str, code: str, occasion: str) -> Due:
    key = sha256(f"{request.key}|{kind}|{code}|{occasion}".encode()).hexdigest()
    return Due(key, request.key, kind, code, occasion, request.language)


def _said(
    life: RequestType, request: Request, facts: Facts, trail: Trail, standing: Standing, as_of: datetime
) -> Iterator[tuple[str, str]]:
    words = life.messages
    if standing.state is State.WITHDRAWN:
        return
    late = standing.state is State.REFUSED and standing.reason in _LATE
    shared = "incident" in words and bool(facts.case.get("incident"))
    if shared:
        yield words["incident"], "incident"
    if "taken" in words and not late and not shared:
        yield words["taken"], "taken"
    if standing.state is State.BLOCKED and "missing" in words:
        yield words["missing"], "missing"
    if standing.state is State.WAITING and "waiting" in words and Wait("gate", "authority") in standing.waits:
        yield words["waiting"], "waiting"
    if late and "expired" in words:
        yield words["expired"], "expired"
    if standing.state is State.REFUSED and not late and "refused" in words:
        yield words["refused"], "refused"
    yield from _begun(words, request, trail)
    if standing.state is State.DONE and "done" in words:
        yield words["done"], "done"


def _begun(words: Mapping[str, str], request: Request, trail: Trail) -> Iterator[tuple[str, str]]:
    if not trail.plan_hash:
        return
    if "step" in words:
        yield words["step"], "step"
    amount = int(request.fields.get("amount") or 0)
    if "verify" in words and amount > 300_000:  # above it the concession holder pays, not the shop
        yield words["verify_long" if amount > 10_000_000 else "verify"], "verify"


def text(book: Book, due: Due, request: Request, facts: Facts, standing: Standing, as_of: datetime) -> str:
    """The text in the partner's language; raises ``Unfit`` for one that must not leave or cannot be filled."""
    words = book.steps.texts[due.code]
    language: str = due.language if due.language == "en" else "it"
    template = words["en"] if language == "en" else words["it"]
    values = _values(book, request, facts, standing, as_of, language)
    return fit(fill(template, values, due.code), book.steps.withheld_words, due.code)


def _values(
    book: Book, request: Request, facts: Facts, standing: Standing, as_of: datetime, language: str
) -> dict[str, str | None]:
    fields, zone = request.fields, ZoneInfo(book.steps.zone)
    received, nu_due = request.received_at.astimezone(zone), facts.case.get("nu_due")
    over = standing.state in (State.DONE, State.REFUSED)
    return {
        "case": facts.case.get("number"),
        "data": (as_of.astimezone(zone) if over else received).strftime("%d/%m/%Y"),
        "ora": received.strftime("%H:%M"),
        "coda": book.queue(str(facts.case.get("queue") or ""), language),
        "nu_due": nu_due.astimezone(zone).strftime("%d/%m/%Y %H:%M") if isinstance(nu_due, datetime) else None,
        "elenco": _listed(book, request, standing, language),
        "terminale": request.terminal or None,
        "incident": facts.case.get("incident"),
        "rif": fields.get("transaction_ref") or facts.case.get("number"),
        "quantità": fields.get("quantity"),
        "articolo": fields.get("item"),
        "scaduto": _day(fields.get("event_date"), timedelta(days=book.catalogue.intake.payout_term_days)),
        "motivo": book.reason(standing.reason, language) if standing.reason else None,
        "importo": _amount(fields.get("amount"), str(facts.shop.get("currency") or "EUR")),
        "scadenza": _day(fields.get("valid_to"), timedelta(0)),
        "periodo": fields.get("period"),
        "numero": fields.get("statement_no"),
        "link": fields.get("topic"),
    }


def _listed(book: Book, request: Request, standing: Standing, language: str) -> str | None:
    """What the partner has to send: what is missing, else the papers of the request."""
    needs = [w.what for w in standing.waits if w.kind == "need"]
    if needs:
        return ", ".join(book.reason(n, language) for n in needs)
    gates = [w.what for w in standing.waits if w.kind == "gate" and w.what not in ("call_back", "two_factor")]
    return ", ".join(book.reason(g, language) for g in gates) or book.reason("documents", language)


def _day(text: str | None, more: timedelta) -> str | None:
    return (datetime.fromisoformat(text[:10]) + more).strftime("%d/%m/%Y") if text else None


def _amount(minor: str | None, currency: str) -> str | None:
    """As Italians write it: 1.234,56 EUR."""
    if not minor:
        return None
    whole, cents = divmod(int(minor), 100)
    return f"{whole:,}".replace(",", ".") + f",{cents:02} {currency}"
