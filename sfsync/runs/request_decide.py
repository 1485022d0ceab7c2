"""partners approve, refuse, record, confirm: what people decide about a request, bound to the plan they saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sfsync.errors import ConfigError, GuardStop
from sfsync.ledger import requests
from sfsync.ledger.requests import Decision
from sfsync.planners.requests.life.marks import clash, needed
from sfsync.planners.requests.life.standing import is_typed
from sfsync.planners.requests.life.wording import bare
from sfsync.planners.requests.life.words import State
from sfsync.planners.requests.steps import Book
from sfsync.runs.bench import Bench
from sfsync.runs.request_view import Seen, book, keep, row_of, see
from sfsync.sides.salesforce import approvers

DECIDABLE = (State.WAITING, State.BLOCKED, State.READY)
TYPED = "typed"


@dataclass(frozen=True)
class Decided:
    """What was decided: the marks, by whom, for which plan, and how the request stands now."""

    seen: Seen
    marks: tuple[str, ...]
    by: str


def one(bench: Bench, found: Book, name: str) -> Seen:
    """One request as it stands now; raises ``GuardStop`` REQUEST_CASE while its case does not exist."""
    seen = see(bench, found, [row_of(bench, name)])
    if not seen:
        step = "Run the import again, or: sfsync sync case"
        raise GuardStop("the case of this request does not exist yet", "REQUEST_CASE", name, step)
    return seen[0]


def approve(bench: Bench, name: str, *, user: str, mark: str = "", number: str = "", dry_run: bool = False) -> Decided:
    """Gives the marks this user may give (or the one named) for the plan as it is now.

    ``number``: the case's number, typed where the steps cannot be taken back. Raises ``GuardStop``: REQUEST_STATE,
    NOT_APPROVER, FOUR_EYES, TYPED_NUMBER.
    """
    found, by = book(bench), user or bench.salesforce.username()
    seen = one(bench, found, name)
    marks = _marks(bench, found, seen, by, mark)
    if number:
        _check_number(seen, number)
    if not dry_run:
        for given in marks:
            requests.decide(bench.ledger, Decision(seen.key, given, by, seen.hash), bench.actor)
        if number:
            requests.record(bench.ledger, seen.key, TYPED, by, {"plan_hash": seen.hash}, bench.actor)
    return Decided(_again(bench, found, name), marks, by)


def refuse(bench: Bench, name: str, reason: str, *, user: str, mark: str = "", dry_run: bool = False) -> Decided:
    """Refuses the request, by somebody who might have approved it; ``reason`` stays inside."""
    found, by = book(bench), user or bench.salesforce.username()
    seen = one(bench, found, name)
    marks = _refusing(bench, found, seen, by, mark)
    if not dry_run:
        decision = Decision(seen.key, marks[0], by, seen.hash, approve=False, reason=_kept(reason))
        requests.decide(bench.ledger, decision, bench.actor)
    return Decided(_again(bench, found, name), marks, by)


def record(bench: Bench, name: str, gate: str, *, user: str, dry_run: bool = False) -> Decided:
    """Notes that a gate's deed was done. Raises ``ConfigError`` GATE_UNKNOWN, ``GuardStop`` PHONE_CHANGED."""
    found, by = book(bench), user or bench.salesforce.username()
    if gate not in found.steps.gates:
        raise ConfigError(
            f"there is no gate {gate}", "GATE_UNKNOWN", name, f"There are: {', '.join(found.steps.gates)}."
        )
    seen = one(bench, found, name)
    _open(seen, name)
    _records(bench, found, seen, gate, by)
    bound = {}
    if gate == "call_back":
        bound = {"phone": str(seen.facts.case["phone"])}
        if seen.facts.case["phone"] != seen.facts.case["phone_at_receipt"]:
            step = "Find out who changed the number on file since; refuse the request if nobody can tell."
            raise GuardStop("the number on file changed after the request came", "PHONE_CHANGED", name, step)
    if not dry_run:
        requests.record(bench.ledger, seen.key, gate, by, bound, bench.actor)
    return Decided(_again(bench, found, name), (gate,), by)


def confirm(bench: Bench, name: str, number: str, *, user: str, dry_run: bool = False) -> Decided:
    """Types the case's number for steps that cannot be taken back. Raises ``GuardStop`` TYPED_NUMBER."""
    found, by = book(bench), user or bench.salesforce.username()
    seen = one(bench, found, name)
    _open(seen, name)
    _active(bench, seen, by)
    _check_number(seen, number)
    if not is_typed(found.lives[seen.request.code], seen.ops):
        raise GuardStop("this request needs no typed number: it can be taken back", "REQUEST_STATE", name)
    if not dry_run:
        requests.record(bench.ledger, seen.key, TYPED, by, {"plan_hash": seen.hash}, bench.actor)
    return Decided(_again(bench, found, name), (TYPED,), by)


def _again(bench: Bench, found: Book, name: str) -> Seen:
    seen = one(bench, found, name)
    keep(bench, [seen])
    return seen


def _active(bench: Bench, seen: Seen, by: str) -> None:
    if not approvers.active(bench.salesforce.query, by):
        step = "Name an active Salesforce user: --as USERNAME."
        raise GuardStop(f"{by} is no active user of the org", "NOT_APPROVER", str(seen.facts.case["number"]), step)


def _records(bench: Bench, found: Book, seen: Seen, gate: str, by: str) -> None:
    """An active user; for some gates one who may give a mark."""
    _active(bench, seen, by)
    mark = found.steps.gate_marks.get(gate)
    if mark and by.lower() not in may(bench, found, mark, seen.request.shop):
        step = f"Let somebody who may give the mark {mark} record it."
        raise GuardStop(f"{by} may not record {gate}", "NOT_APPROVER", str(seen.facts.case["number"]), step)


def _open(seen: Seen, name: str) -> None:
    if seen.standing.state not in DECIDABLE:
        step = "See: sfsync partners explain CASE"
        raise GuardStop(f"the request is {seen.standing.state}: nothing is to be decided", "REQUEST_STATE", name, step)


def _check_number(seen: Seen, number: str) -> None:
    if number.strip() != seen.facts.case["number"]:
        step = "Look at the case, then type its whole number."
        raise GuardStop("the number typed is not this case's number", "TYPED_NUMBER", seen.facts.case["number"], step)


# ── who may


def _marks(bench: Bench, found: Book, seen: Seen, by: str, named: str) -> tuple[str, ...]:
    """The marks to give: the one named, else the one this user may give of those that are missing."""
    where = str(seen.facts.case["number"])
    _open(seen, where)
    wanted = needed(found.lives[seen.request.code], seen.request, seen.facts)
    if named and named not in wanted:
        step = f"It needs: {', '.join(wanted) or 'no approval'}."
        raise GuardStop(f"this request needs no mark {named}", "NOT_APPROVER", where, step)
    _four_eyes(bench, seen, by, where, named)
    missing = [named] if named else [m for m in wanted if m in seen.standing.marks()]
    mine = [m for m in missing if by.lower() in may(bench, found, m, seen.request.shop)]
    if not mine:
        step = f"Missing: {', '.join(missing) or 'none'}. Who may give them: request_steps.yaml, `approvers`."
        raise GuardStop(f"{by} may not give a mark this request needs", "NOT_APPROVER", where, step)
    return tuple(mine[:1])


def _refusing(bench: Bench, found: Book, seen: Seen, by: str, named: str) -> tuple[str, ...]:
    """The mark by which this user may refuse: any of those the request needs, also one that is given already."""
    where = str(seen.facts.case["number"])
    _open(seen, where)
    wanted = needed(found.lives[seen.request.code], seen.request, seen.facts)
    mine = [m for m in wanted if named in ("", m) and by.lower() in may(bench, found, m, seen.request.shop)]
    if not mine:
        step = f"It needs: {', '.join(wanted) or 'no approval'}. Who may give them: request_steps.yaml, `approvers`."
        raise GuardStop(f"{by} may not refuse this request", "NOT_APPROVER", where, step)
    if clash(by, seen.request, bench.salesforce.username()):
        step = "Let somebody else decide it."
        raise GuardStop(f"{by} is who asked or who carries it out", "FOUR_EYES", where, step)
    return tuple(mine[:1])


def _four_eyes(bench: Bench, seen: Seen, by: str, where: str, named: str) -> None:
    why = clash(by, seen.request, bench.salesforce.username())
    given = [m.mark for m in seen.trail.marks if m.approve and m.plan_hash == seen.hash and m.by.lower() == by.lower()]
    if why or (given and given != [named]):
        who = {"REQUESTER": "who asked", "EXECUTOR": "who carries it out"}.get(why, f"who gave {', '.join(given)}")
        step = "Let somebody else approve it."
        raise GuardStop(f"{by} is {who}: a request is approved by others", "FOUR_EYES", where, step)


def may(bench: Bench, found: Book, mark: str, shop: str) -> set[str]:
    """Who may give this mark for this shop (lower-case usernames)."""
    rule, query = found.steps.approvers[mark], bench.salesforce.query
    users: set[str] = set()
    if rule.permission_set:
        users |= approvers.of_permission_set(query, rule.permission_set)
    if rule.queue:
        users |= approvers.of_queue(query, rule.queue)
    if rule.role:
        users |= approvers.of_role(query, rule.role)
    if rule.owner and shop:
        users |= approvers.owner_of_shop(query, shop)
    elif rule.no_shop and not shop:
        users |= approvers.of_queue(query, rule.no_shop)
    return users


def waiting_for(bench: Bench, found: Book, rows: Sequence[dict[str, Any]], user: str) -> list[dict[str, Any]]:
    """Of these rows of the ledger, those that wait for a mark this user may give."""
    rules = found.steps.approvers
    general = {m for m, r in rules.items() if user.lower() in _general(bench, found, m)}
    opening = {m for m, r in rules.items() if r.no_shop and user.lower() in may(bench, found, m, "")}
    shops = approvers.shops_of_owner(bench.salesforce.query, user) if any(r.owner for r in rules.values()) else set()

    def mine(row: dict[str, Any]) -> bool:
        marks = {w.partition(":")[2] for w in row["waits"] if w.startswith("mark:")}
        owned = {m for m in marks if rules[m].owner and row["shop"] in shops}
        return bool(marks & general or owned or (not row["shop"] and marks & opening))

    return [r for r in rows if mine(r)]


def _general(bench: Bench, found: Book, mark: str) -> set[str]:
    """Who may give the mark whatever the shop."""
    rule, query = found.steps.approvers[mark], bench.salesforce.query
    named = approvers.of_permission_set(query, rule.permission_set) if rule.permission_set else set()
    queue = approvers.of_queue(query, rule.queue) if rule.queue else set()
    return named | queue | (approvers.of_role(query, rule.role) if rule.role else set())


def _kept(reason: str) -> str:
    """A reason is a word or a short sentence of staff; what looks private is not kept."""
    return bare(reason.strip())[:200]
