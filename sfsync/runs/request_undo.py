"""undo of a run that asked the platform for something: taken back by asking again, where that can be.

A row of the outbox stays for ever, so the way back is another row: its key is made of the first one's, its payload
names it and the values that were there before. R can be taken back, W until its window ends, N not at all.
"""

from __future__ import annotations

import json
from calendar import monthrange
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from sfsync.errors import GuardStop
from sfsync.ledger import audit, base, database, requests
from sfsync.ledger.requests import Begin
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Note
from sfsync.planners.requests.life import changes, outbox
from sfsync.planners.requests.life.changes import Draft, Ends
from sfsync.planners.requests.steps import Book, PaymentRuns
from sfsync.planners.sync.make import Progress
from sfsync.runs import request_work
from sfsync.runs.bench import Bench
from sfsync.runs.request_view import book
from sfsync.runs.result import Result
from sfsync.runs.running import quiet, scratch

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
    rows = [_back(bench, found, o) for o in ops if not o["reads"]]
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


def _back(bench: Bench, found: Book, op: dict[str, Any]) -> dict[str, Any]:
    row = requests.find(bench.ledger, op["case_key"])
    _may(bench, found, row, op)
    payload = requests.unseal(bench.ledger, op["case_key"], op["sealed"])
    return {
        "request_key": back_key(op["request_key"]),
        "case_key": op["case_key"],
        "kind": op["back"],
        "target_key": op["target"],
        "payload": json.dumps({"undoes": op["request_key"], "set": payload.get("was", {})}, sort_keys=True),
        "requested_by": bench.actor[:120],
        "approved_by": None,
        "state": "requested",
        "requested_at": bench.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def back_key(request_key: str) -> str:
    """The key of the row that takes another one back."""
    return sha256(f"undo|{request_key}".encode()).hexdigest()


def _may(bench: Bench, found: Book, row: dict[str, Any], op: dict[str, Any]) -> None:
    life = found.lives[row["code"]]
    where = str(row["case_number"])
    if life.undo == "N" or not op["back"]:
        step = "Make a new request for what is wanted now."
        raise GuardStop(f"{life.type} cannot be taken back", "UNDO_IRREVERSIBLE", where, step)
    if op["state"] != "done":
        step = "Wait for the platform's answer (sfsync partners work), then undo."
        raise GuardStop("the platform has not confirmed it yet", "UNDO_UNCONFIRMED", where, step)
    answered = database.instant_of(op["answered_at"] or op["requested_at"])
    if life.undo == "W" and life.undo_until == "first_payment_run":
        end = next_payment(found.steps.payment_runs, found.steps.zone, answered)
        if bench.as_of >= end:
            step = "Make a new request for what is wanted now."
            text = f"the window ended with the payment run of {end:%Y-%m-%dT%H:%M:%SZ}"
            raise GuardStop(text, "UNDO_WINDOW", where, step)


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


def apply(bench: Bench, folder: PlanFolder, *, progress: Progress = quiet) -> Result:
    """Notes the rows that take the run back as ops of their requests; the work of requests then sends them."""
    header = folder.header
    assert header is not None and header.undoes is not None
    ops = [o for o in requests.ops_of_run(bench.ledger, header.undoes) if o["step"] != "undo" and not o["reads"]]
    keys = list(dict.fromkeys(o["case_key"] for o in ops))
    hashes = {r["case_key"]: r["plan_hash"] for r in requests.requests(bench.ledger, keys=keys)}
    plans = [Begin(k, hashes[k], [_undoing(bench, o) for o in ops if o["case_key"] == k]) for k in keys]
    requests.begin(bench.ledger, plans, header.undoes, bench.actor)
    requests.stand(bench.ledger, [{"case_key": k, "undoing": True, "ended_at": None} for k in keys])
    for key in keys:
        details = {"case_key": key, "undoes": header.undoes}
        audit.append(bench.ledger, "request.undo", details, run_id=None, actor=bench.actor)
    return request_work.work(bench, keys, progress=progress)


def _undoing(bench: Bench, op: dict[str, Any]) -> dict[str, Any]:
    payload = requests.unseal(bench.ledger, op["case_key"], op["sealed"])
    body = {"undoes": op["request_key"], "set": payload.get("was", {})}
    return {
        "request_key": back_key(op["request_key"]),
        "number": -1 - op["number"],
        "step": "undo",
        "kind": op["back"],
        "target": op["target"],
        "reads": False,
        "back": "",
        "sealed": requests.seal(bench.ledger, op["case_key"], body),
    }
