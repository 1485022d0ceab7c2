"""What a request asks of the platform, and the hash an approval binds to. Pure.

Keys are made of the case's key, the step and its target, so that the same request asked twice is one row of the
platform's outbox. The hash covers what would be sent and every watched value as it is now: if either changes, the
approvals are void. It is keyed, because a plan holds values (an IBAN) that must not be guessed from it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from sfsync.planners.requests.catalogue import RequestType
from sfsync.planners.requests.life.marks import above, needed
from sfsync.planners.requests.life.words import Facts, Op, Request
from sfsync.planners.requests.steps import Action, Book

GONE = ("disabled", "retired", "closed")


def ops(book: Book, request: Request, facts: Facts) -> list[Op]:
    """Everything to be asked of the platform, in the order of the steps."""
    life = book.lives[request.code]
    made: list[Op] = []
    for number, (side, name, action) in enumerate(book.actions(life)):
        if side == "PL":
            made += [_op(life, request, facts, number, name, action, t) for t in targets(request, facts, life, action)]
    return made


def _op(life: RequestType, request: Request, facts: Facts, number: int, name: str, action: Action, target: str) -> Op:
    payload: dict[str, Any] = {n: request.fields[n] for n in action.send if request.fields.get(n)}
    payload |= action.with_
    if watched := watch(action, facts, target):
        payload["was"] = watched
    if action.target == "company" or name.startswith("shop_"):
        payload["shop_code"] = request.shop
    if name == "payout_authorisation":  # above its limit the concession holder pays, not the shop
        payload["paid_by"] = "concession_holder" if above(life, request, "concession_holder_above") else "shop"
    if name == "shop_close":
        payload["terminals"] = sorted(t for t, row in facts.terminals.items() if row["state"] not in GONE)
    key = sha256(f"{request.key}|{number}|{name}|{target}".encode()).hexdigest()
    return Op(number, name, action.as_ or name, target, payload, key, action.back, action.reads)


def targets(request: Request, facts: Facts, life: RequestType, action: Action) -> Iterator[str]:
    """Whose records a step is about, as the platform names them."""
    if action.each == "operators":
        yield from sorted(c for c, row in facts.operators.items() if row["status"] not in GONE)
    elif action.each == "terminals":
        yield from sorted(t for t, row in facts.terminals.items() if row["state"] not in GONE)
    else:
        yield _target(request, facts, life, action)


def _target(request: Request, facts: Facts, life: RequestType, action: Action) -> str:
    named = request.fields.get(life.target) if life.target else ""
    found = {
        "shop": request.shop,
        "company": str(facts.company.get("company_code") or ""),
        "operator": named or request.operator,
        "terminal": request.terminal,
        "ticket": request.fields.get("ticket_id", ""),
        "voucher": request.fields.get("voucher_id", ""),
        "transaction": request.fields.get("transaction_ref", ""),
    }
    return found.get(action.target or "", "") or request.shop or request.key[:32]


def watch(action: Action, facts: Facts, target: str) -> dict[str, str | None]:
    """The watched values as they are now, an IBAN by its last four."""
    rows: dict[str, Mapping[str, Any]] = {
        "shop": facts.shop,
        "company": facts.company,
        "operator": facts.operators.get(target, {}),
    }
    found = {}
    for name in action.watch:
        record, _, field = name.partition(".")
        value = rows[record].get(field)
        found[field] = None if value is None else str(value)
    return found


def plan_hash(book: Book, request: Request, facts: Facts, asked: list[Op], key: bytes) -> str:
    """The hash (32 hexadecimal digits) of what would be done; ``key`` keeps its content from being guessed."""
    life = book.lives[request.code]
    body = {
        "case": request.key,
        "type": life.code,
        "steps": [s.model_dump() for s in life.steps],
        "marks": needed(life, request, facts),
        "ops": [[o.number, o.kind, o.target, o.key, dict(o.payload)] for o in asked],
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hmac.new(key, text.encode(), sha256).hexdigest()[:32]
