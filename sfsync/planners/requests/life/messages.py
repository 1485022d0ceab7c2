"""Which messages a request's standing calls for, and their texts. Pure.

A message is due once for ever: its key is made of the case, the code and the occasion. Automatic texts promise nothing
beyond the clock, and hold no value a partner wrote (domain requests D.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from sfsync.planners.requests.catalogue import RequestType, fold
from sfsync.planners.requests.life import tasks
from sfsync.planners.requests.life.marks import above, listed
from sfsync.planners.requests.life.wording import fill, fit
from sfsync.planners.requests.life.words import Facts, Request, Standing, State, Trail
from sfsync.planners.requests.steps import Book

MESSAGE, TASK = "message", "task"
_LATE = ("EXPIRED", "LATE")


@dataclass(frozen=True)
class Due:
    """Something to say or to give to somebody. ``key`` is its idempotency key; ``day``: until when (ISO), if known."""

    key: str
    case_key: str
    kind: str
    code: str
    occasion: str
    language: str
    day: str = ""


def due(book: Book, request: Request, facts: Facts, trail: Trail, standing: Standing, as_of: datetime) -> Iterator[Due]:
    """What this standing calls for; what was said before has the same key again."""
    life = book.lives[request.code]
    if not facts.case.get("hold"):  # compliance holds the case: nothing leaves by itself
        for code, occasion in _said(book, life, request, facts, trail, standing, as_of):
            yield _due(request, MESSAGE, code, occasion)
    silent = standing.state is State.REFUSED and not _answer(life, request, facts, standing)
    for code, occasion, day in tasks.wanted(book, request, facts, trail, standing, as_of, silent=silent):
        yield replace(_due(request, TASK, code, occasion), day=day)


def _due(request: Request, kind: str, code: str, occasion: str) -> Due:
    key = sha256(f"{request.key}|{kind}|{code}|{occasion}".encode()).hexdigest()
    return Due(key, request.key, kind, code, occasion, request.language)


def _said(
    book: Book, life: RequestType, request: Request, facts: Facts, trail: Trail, standing: Standing, as_of: datetime
) -> Iterator[tuple[str, str]]:
    words = life.messages
    if standing.state is State.WITHDRAWN:
        return
    late = standing.state is State.REFUSED and standing.reason in _LATE
    shared = "incident" in words and bool(facts.case.get("incident"))
    if shared:
        yield words["incident"], "incident"
    for moment in ("taken", "notice"):
        if moment in words and not late and not shared:
            yield words[moment], moment
    if standing.state is State.BLOCKED and "missing" in words:
        yield words["missing"], _need(trail)
    if standing.state is State.WAITING and "waiting" in words and _authority_only(standing):
        yield words["waiting"], "waiting"
    if standing.state is State.REFUSED and (code := _answer(life, request, facts, standing)):
        yield code, "expired" if late else "refused"
    if standing.state is State.OPEN:
        yield from _handed_over(book, words, request)
    yield from _begun(life, request, trail)
    if standing.state is State.DONE and "done" in words:
        yield words["done"], "done"


def _need(trail: Trail) -> str:
    """The occasion of a question: asked anew when an answer came and was not enough."""
    return f"missing {trail.revised}" if trail.revised else "missing"


def _authority_only(standing: Standing) -> bool:
    """The partner has done his part: of what has to be there, the authority's word alone is missing."""
    return {w.what for w in standing.waits if w.kind == "gate"} == {"authority"}


def _answer(life: RequestType, request: Request, facts: Facts, standing: Standing) -> str:
    """The message that says no and why; empty where a person has to find the words."""
    if standing.reason in _LATE:
        return life.messages.get("expired", "")
    if life.allowed and listed(life, request, facts):
        return ""  # the law is not the reason
    return life.messages.get("refused", "")


def _guide(book: Book, request: Request) -> str | None:
    """Where people read about the topic of a question; None if no word of it is known."""
    topic = {fold(w) for w in request.fields.get("topic", "").split()}
    return next((link for word, link in book.steps.guides.items() if fold(word) in topic), None)


def _handed_over(book: Book, words: Mapping[str, str], request: Request) -> Iterator[tuple[str, str]]:
    """It is approved, and people do the rest."""
    if "ordered" in words:
        yield words["ordered"], "ordered"
    if "guide" in words and _guide(book, request):
        yield words["guide"], "guide"


def _begun(life: RequestType, request: Request, trail: Trail) -> Iterator[tuple[str, str]]:
    words = life.messages
    if not trail.plan_hash:
        return
    if "step" in words:
        yield words["step"], "step"
    if "verify" in words and above(life, request, "concession_holder_above"):
        yield words["verify_long" if above(life, request, "long_above") else "verify"], "verify"


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
        "link": _guide(book, request),
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
