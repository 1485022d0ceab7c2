"""Which approvals a request needs, and which of those given count. Pure.

Source: domain requests D.1 (marks, four eyes) and D.2 (who approves what, from which sum on).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from sfsync.planners.requests.catalogue import RequestType, fold
from sfsync.planners.requests.life.words import Facts, Mark, Request
from sfsync.planners.requests.steps import FOUR_EYES


def needed(life: RequestType, request: Request, facts: Facts) -> list[str]:
    """The marks this request needs, sorted; 4E is a rule about people, not a mark."""
    marks = {*life.approvals, *_above(life, request), *_for(life, request), *_over_days(life, request)}
    marks.update(_over_cap(life, request, facts), _outside(life, request, facts))
    if life.type == "credit_limit_change" and lowered(request, facts):
        marks.clear()  # a reduction takes effect at once
    return sorted(marks - {FOUR_EYES})


def _above(life: RequestType, request: Request) -> Collection[str]:
    if not life.approvals_above:
        return ()
    marks: Collection[str] = life.approvals_above["marks"]
    return marks if _sum(request) > int(life.approvals_above["amount"]) else ()


def _sum(request: Request) -> int:
    """The sum in question, in minor units: a dispute's is the difference."""
    if "expected" in request.fields:
        return abs(int(request.fields["expected"]) - int(request.fields.get("paid") or 0))
    return int(request.fields.get("amount") or 0)


def above(life: RequestType, request: Request, name: str) -> bool:
    """Is the amount above the limit (minor units) that a step of the type gives by this name?"""
    limits = [int(e[name]) for s in life.steps if name in (e := s.model_extra or {})]
    return bool(limits) and _sum(request) > limits[0]


def _for(life: RequestType, request: Request) -> Iterable[str]:
    for name, values in life.approvals_for.items():
        said = request.fields.get(name, "")
        words = {fold(said), *map(fold, said.split())}
        yield from (m for value, marks in values.items() if fold(value) in words for m in marks)


def _over_days(life: RequestType, request: Request) -> Collection[str]:
    first, last = request.fields.get("from_on"), request.fields.get("to_on")
    if not life.approvals_over_days or not first or not last:
        return ()
    days = (date.fromisoformat(last[:10]) - date.fromisoformat(first[:10])).days
    marks: Collection[str] = life.approvals_over_days["marks"]
    return marks if days > int(life.approvals_over_days["days"]) else ()


def _over_cap(life: RequestType, request: Request, facts: Facts) -> Collection[str]:
    """More in a month than the cap, what the shop asked for earlier in it included."""
    caps = [c for c in life.checks if c.check == "monthly_cap"]
    asked = {c.field: int(request.fields.get(c.field) or 0) + facts.of_month for c in caps}
    over = any(asked[c.field] > int(c.parameter("cap")) for c in caps)
    return life.over_cap if over else ()


def _outside(life: RequestType, request: Request, facts: Facts) -> Collection[str]:
    """Material that is not on the list; a top-up point may show nothing but its register plate."""
    if not life.outside_list:
        return ()
    return () if listed(life, request, facts) else life.outside_list


def listed(life: RequestType, request: Request, facts: Facts) -> bool:
    """Is the item one of those that may be ordered by this kind of shop?"""
    item, pvr = request.fields.get("item", "").strip().lower(), facts.shop.get("shop_kind") == "pvr"
    return any(word in item for word in (life.allowed_pvr if pvr else life.allowed))


def lowered(request: Request, facts: Facts) -> bool:
    """Does the request ask for a credit limit that is not above the present one?"""
    now = facts.shop.get("credit_limit")
    return now is not None and _sum(request) <= int(now)


def counting(marks: Iterable[Mark], plan_hash: str, request: Request, executor: str) -> dict[str, Mark]:
    """The marks that count for this plan: one per kind, all by different people, none by who asks or who executes."""
    found: dict[str, Mark] = {}
    for mark in marks:
        fits = mark.approve and mark.plan_hash == plan_hash and not clash(mark.by, request, executor)
        others = {m.by.lower() for name, m in found.items() if name != mark.mark}
        if fits and mark.by.lower() not in others:
            found[mark.mark] = mark
    return found


def clash(by: str, request: Request, executor: str) -> str:
    """Why this person may not approve this request: REQUESTER or EXECUTOR; empty if nothing speaks against it."""
    who = by.lower()
    if who in (request.requester.lower(), request.imported_by.lower()):
        return "REQUESTER"
    return "EXECUTOR" if who == executor.lower() else ""
