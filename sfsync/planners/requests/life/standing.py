"""Where a request is: a pure function of its type, what was asked, what both sides hold, what happened, and now.

Nothing is remembered but what happened; so a run that was killed, or two runs at once, find the same standing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sfsync.planners.requests.catalogue import RequestType
from sfsync.planners.requests.life import checks
from sfsync.planners.requests.life.marks import counting, needed
from sfsync.planners.requests.life.words import Facts, Op, Request, Sent, Standing, State, Trail, Wait, answered
from sfsync.planners.requests.steps import Action, Book

ANSWERS = {"done", "refused"}
OVER = {"Closed", "Cancelled", "Resolved"}


def standing(
    book: Book,
    request: Request,
    facts: Facts,
    trail: Trail,
    ops: list[Op],
    plan_hash: str,
    *,
    executor: str,
    as_of: datetime,
) -> Standing:
    """Where the request is. ``ops`` and ``plan_hash``: of a plan made now; once begun, they no longer count."""
    life = book.lives[request.code]
    if life.undo == "-":
        return Standing(State.PROHIBITED)
    if trail.undoing:
        open_ = [s for s in trail.sent if s.step == "undo" and s.state not in ANSWERS]
        return Standing(State.UNDOING if open_ else State.UNDONE)
    if trail.plan_hash:
        return _begun(book, life, trail)
    if trail.refused:
        return Standing(State.REFUSED, reason=trail.refused)
    if facts.case.get("status") in OVER and not trail.first:  # intake closes at once what came too late
        return Standing(State.WITHDRAWN)
    if refusal := next((m for m in trail.marks if not m.approve), None):
        return Standing(State.REFUSED, reason="APPROVER", waits=(Wait("reason", refusal.mark),))
    return _before(book, life, request, facts, trail, ops, plan_hash, executor, as_of)


def _before(
    book: Book,
    life: RequestType,
    request: Request,
    facts: Facts,
    trail: Trail,
    ops: list[Op],
    plan_hash: str,
    executor: str,
    as_of: datetime,
) -> Standing:
    failed = list(checks.look(book, request, facts, trail, as_of))
    refused = next((c for c, _ in failed if c.refuse), None)
    if refused:
        return Standing(State.REFUSED, reason=refused.reason)
    if facts.case.get("status") in OVER:
        return Standing(State.WITHDRAWN)
    waits = [w for _, w in failed]
    waits += _gates(life, request, facts, trail, as_of)
    waits += _marks(life, request, facts, trail, plan_hash, executor)
    typed = trail.gates.get("typed", {}).get("plan_hash")
    if is_typed(life, ops) and typed != plan_hash:
        waits.append(Wait("typed"))
    if facts.case.get("hold"):
        waits.append(Wait("hold"))
    if any(w.kind == checks.NEED for w in waits):
        return Standing(State.BLOCKED, tuple(waits))
    if waits:
        return Standing(State.WAITING, tuple(waits))
    if not working(book, life):
        return Standing(State.OPEN)  # people do the steps, once it is approved
    return Standing(State.READY, next=_first(book, life, trail))


def working(book: Book, life: RequestType) -> list[int]:
    """The numbers of the steps that sfsync does; people do the others in the case."""
    return [n for n, (_, _, action) in enumerate(book.actions(life)) if not action.person]


def is_typed(life: RequestType, ops: list[Op]) -> bool:
    """Must somebody type the case's number first? Whatever cannot be taken back wants it."""
    return life.typed or (life.undo == "N" and any(not o.reads for o in ops))


def _gates(life: RequestType, request: Request, facts: Facts, trail: Trail, as_of: datetime) -> list[Wait]:
    waits = []
    if call := life.gates.get("call_back"):
        waits += _called(str(call), facts, trail)
    if hours := life.gates.get("cooling_hours"):
        until = request.received_at + timedelta(hours=int(hours))
        if as_of < until:
            waits.append(Wait("until", "cooling", until))
    if life.gates.get("not_on_hold") and facts.case.get("hold"):
        waits.append(Wait("hold"))
    return waits


def _called(kind: str, facts: Facts, trail: Trail) -> list[Wait]:
    """A call-back counts for the number that was on file when the request came: a number changed since voids it."""
    if kind != "phone_on_file":
        return [] if {"call_back", "two_factor"} & trail.gates.keys() else [Wait("gate", "call_back")]
    called = trail.gates.get("call_back")
    if called is None:
        return [Wait("gate", "call_back")]
    return [Wait("void", "call_back")] if called.get("phone") != facts.case.get("phone_at_receipt") else []


def _marks(
    life: RequestType, request: Request, facts: Facts, trail: Trail, plan_hash: str, executor: str
) -> list[Wait]:
    given = counting(trail.marks, plan_hash, request, executor)
    old = {m.mark for m in trail.marks if m.approve and m.plan_hash != plan_hash}
    missing = [m for m in needed(life, request, facts) if m not in given]
    voided = [Wait("void", m) for m in missing if m in old]
    return [*(Wait("mark", m) for m in missing), *voided]


def _begun(book: Book, life: RequestType, trail: Trail) -> Standing:
    """The steps one after the other: a Salesforce step waits until the platform has done the one before it."""
    refused, done = _refused(book, life, trail), [s for s in trail.sent if s.state == "done" and not s.reads]
    if refused and not done:
        return Standing(State.REFUSED, reason="PLATFORM")
    first = _first(book, life, trail)
    if not first:
        return Standing(State.DONE, reason="PARTLY" if refused else "")
    waiting = [s for s in trail.sent if s.number in first and s.state == "requested"]
    waits = tuple(Wait("platform", s.kind) for s in waiting)
    return Standing(State.RUNNING, waits, next=() if waits and not _unsent(trail, first) else first)


def _refused(book: Book, life: RequestType, trail: Trail) -> bool:
    """Did the platform refuse a change, or say before one that there is nothing to change?"""
    actions = book.actions(life)
    changes = any(a.target and not a.reads for _, _, a in actions)
    return any(
        s.state == "refused" or (s.state == "done" and _stopped(actions[s.number][2], s.answer))
        for s in trail.sent
        if s.number >= 0 and (changes or not s.reads)
    )


def _stopped(action: Action, answer: str) -> bool:
    """Does the answer hold a word after which nothing more may be asked, as a voucher that is paid?"""
    told = answered(answer)
    return any(str(told.get(name, "")).lower() in words for name, words in action.stop.items())


def _unsent(trail: Trail, numbers: tuple[int, ...]) -> list[Sent]:
    return [s for s in trail.sent if s.number in numbers and s.state == "waiting"]


def _first(book: Book, life: RequestType, trail: Trail) -> tuple[int, ...]:
    """The first step that is not over; a platform step and the Salesforce steps that do not wait for it."""
    for number in working(book, life):
        side, _, _ = book.actions(life)[number]
        if side == "SF" and number not in trail.mirrored and _confirmed_before(book, life, trail, number):
            return (number,)
        if side == "PL" and not _over(trail, number):
            return (number,)
    left = [n for n in working(book, life) if book.actions(life)[n][0] == "SF" and n not in trail.mirrored]
    return tuple(left[:1])


def _confirmed_before(book: Book, life: RequestType, trail: Trail, number: int) -> bool:
    """Salesforce mirrors the platform: every platform step that changes something must be done first."""
    actions = book.actions(life)
    if actions[number][2].count_faults:
        return True
    changing = [n for n in working(book, life) if actions[n][0] == "PL"]
    return all(_over(trail, n) for n in changing)


def _over(trail: Trail, number: int) -> bool:
    """All ops of the step are answered; a step that had nobody to ask (no operator left) is over at once."""
    return bool(trail.plan_hash) and all(s.state in ANSWERS for s in trail.sent if s.number == number)
