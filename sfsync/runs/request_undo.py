"""undo of a run that asked the platform for something: taken back by asking again, where that can be.

A row of the outbox stays for ever, so the way back is another row: its key is made of the first one's, its payload
names it and the values that were there before. R can be taken back, W until its window ends, N not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from sfsync.errors import GuardStop
from sfsync.ledger import audit, base, request_steps, requests, sealed
from sfsync.ledger.request_steps import Begin
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Note
from sfsync.planners.requests.life import changes, outbox, windows
from sfsync.planners.requests.life.changes import Draft, Ends
from sfsync.planners.requests.life.words import answered
from sfsync.planners.requests.steps import Book
from sfsync.planners.sync.make import Progress
from sfsync.runs import request_work
from sfsync.runs.bench import Bench
from sfsync.runs.request_mirror import answers
from sfsync.runs.request_view import Seen, book, see
from sfsync.runs.result import Result
from sfsync.runs.running import quiet, scratch
from sfsync.sides.platform import desk

COMMAND = "partners"
KIND = "undo of partners"


@contextmanager
def planned(bench: Bench, run_id: str) -> Iterator[PlanFolder]:
    """A plan that takes back what the run asked of the platform; raises ``GuardStop`` where it cannot be taken back."""
    found = book(bench)
    ops = [o for o in requests.ops_of_run(bench.ledger, run_id) if o["step"] != "undo"]
    if not ops:
        step = "Nothing was asked of the platform by it. See: sfsync status"
        raise GuardStop("this run has nothing that could be taken back", "UNDO_NOTHING", run_id, step)
    ops = [o for o in ops if not o["reads"]]
    seen = _seen(bench, found, ops)
    _may(bench, found, seen, ops)
    rows = [_back(bench, found, seen[o["case_key"]], o) for o in ops]
    folder = PlanFolder.create(scratch(bench))
    try:
        mapping = outbox.outbox()
        draft = Draft({outbox.NAME: mapping})
        draft.add(outbox.NAME, changes.asked(mapping, rows))
        generations = {outbox.NAME: base.generation(bench.ledger, outbox.NAME)}
        ends = Ends(bench.platform.identity(), bench.salesforce.identity(), generations, bench.as_of)
        text = "messages that were sent cannot be taken back"
        header = changes.finish(draft, ends, folder, [Note(code="SAID", message=text, level="info")], KIND)
        folder.header = header.model_copy(update={"undoes": run_id})
        yield folder
    finally:
        folder.remove()


def _seen(bench: Bench, found: Book, ops: Sequence[dict[str, Any]]) -> dict[str, Seen]:
    """The requests these ops belong to, as they stand now."""
    keys = list(dict.fromkeys(o["case_key"] for o in ops))
    seen = {s.key: s for s in see(bench, found, requests.requests(bench.ledger, keys=keys))}
    if lost := [k for k in keys if k not in seen]:
        step = "Run: sfsync sync case"
        raise GuardStop("the case of this request is not in Salesforce", "REQUEST_CASE", lost[0][:12], step)
    return seen


def _back(bench: Bench, found: Book, one: Seen, op: dict[str, Any]) -> dict[str, Any]:
    return {
        "request_key": back_key(op["request_key"]),
        "case_key": op["case_key"],
        "kind": op["back"],
        "target_key": _target(found, one, op),
        "payload": json.dumps(_body(bench, found, one, op), sort_keys=True),
        "requested_by": bench.actor[:120],
        "approved_by": None,
        "state": "requested",
        "requested_at": bench.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _body(bench: Bench, found: Book, one: Seen, op: dict[str, Any]) -> dict[str, Any]:
    """What is asked back: the values that were there, and from when where that is not at once."""
    payload = sealed.unseal(bench.ledger, op["case_key"], op["sealed"])
    body = {"undoes": op["request_key"], "set": payload.get("was", {})}
    since = windows.effective(found.lives[one.request.code], one.request, found.steps.zone, bench.as_of)
    return body | ({"effective_on": since} if since else {})


def _target(found: Book, one: Seen, op: dict[str, Any]) -> str:
    """Whose record is taken back: the one the platform made, where it was asked to make one."""
    name = found.steps.steps[op["step"]].back_target
    made = [answered(s.answer).get(name) for s in one.trail.sent if s.key == op["request_key"]] if name else []
    return str(made[0]) if made and made[0] else str(op["target"])


def back_key(request_key: str) -> str:
    """The key of the row that takes another one back."""
    return sha256(f"undo|{request_key}".encode()).hexdigest()


def _may(bench: Bench, found: Book, seen: Mapping[str, Seen], ops: Sequence[dict[str, Any]]) -> None:
    """Raises ``GuardStop`` for the first op that cannot be taken back (any more)."""
    told = {k: [a for a in answers(s.trail) if a.get("shop_code")] for k, s in seen.items()}
    shops = desk.shops(bench.platform.query, [str(a["shop_code"]) for some in told.values() for a in some])
    for op in ops:
        one = seen[op["case_key"]]
        states = {c: str(shops[c]["state"]) for a in told[one.key] if (c := str(a["shop_code"])) in shops}
        _may_one(bench, found, one, op, states)


def _may_one(bench: Bench, found: Book, one: Seen, op: dict[str, Any], states: Mapping[str, str]) -> None:
    life, where = found.lives[one.request.code], str(one.facts.case["number"])
    if life.undo == "N" or not op["back"]:
        step = "Make a new request for what is wanted now."
        raise GuardStop(f"{life.type} cannot be taken back", "UNDO_IRREVERSIBLE", where, step)
    sent = next((s for s in one.trail.sent if s.key == op["request_key"]), None)
    if sent is None or sent.state != "done":
        step = "Wait for the platform's answer (sfsync partners work), then undo."
        raise GuardStop("the platform has not confirmed it yet", "UNDO_UNCONFIRMED", where, step)
    answered = sent.answered_at or sent.requested_at or bench.as_of
    over = windows.closed(found.steps, life, one.request, one.facts, answers(one.trail), states, answered, bench.as_of)
    if over:
        raise GuardStop(f"the window to take it back ended {over}", "UNDO_WINDOW", where, windows.NEXT[life.undo_until])


def apply(bench: Bench, folder: PlanFolder, *, progress: Progress = quiet) -> Result:
    """Notes the rows that take the run back as ops of their requests; the work of requests then sends them."""
    header = folder.header
    assert header is not None and header.undoes is not None
    ops = [o for o in requests.ops_of_run(bench.ledger, header.undoes) if o["step"] != "undo" and not o["reads"]]
    found = book(bench)
    seen = _seen(bench, found, ops)
    keys = list(seen)
    plans = [
        Begin(k, s.row["plan_hash"], [_undoing(bench, found, s, o) for o in ops if o["case_key"] == k])
        for k, s in seen.items()
    ]
    request_steps.begin(bench.ledger, plans, header.undoes, bench.actor)
    request_steps.stand(bench.ledger, [{"case_key": k, "undoing": True, "ended_at": None} for k in keys])
    for key in keys:
        details = {"case_key": key, "undoes": header.undoes}
        audit.append(bench.ledger, "request.undo", details, run_id=None, actor=bench.actor)
    return request_work.work(bench, keys, progress=progress)


def _undoing(bench: Bench, found: Book, one: Seen, op: dict[str, Any]) -> dict[str, Any]:
    return {
        "request_key": back_key(op["request_key"]),
        "number": -1 - op["number"],
        "step": "undo",
        "kind": op["back"],
        "target": _target(found, one, op),
        "reads": False,
        "back": "",
        "sealed": sealed.seal(bench.ledger, op["case_key"], _body(bench, found, one, op)),
    }
