"""One incident for the faults of several shops: a parent case on both sides, and the cases it explains below it.

What belongs together is in the ledger first; parent and links then go through the one plan and apply. A case that
somebody hung below another one is left there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sfsync.ledger import database, incidents, requests, sealed
from sfsync.mapping.model import Mapping as SyncMapping
from sfsync.planners.requests.catalogue import RequestType, fold
from sfsync.planners.requests.life import changes, outbox
from sfsync.planners.requests.life.changes import Draft
from sfsync.planners.requests.life.incidents import Fault, grouped
from sfsync.planners.requests.steps import Book
from sfsync.runs.bench import Bench
from sfsync.runs.request_mirror import index_of
from sfsync.sides.platform import desk

STEP, CASE = "parent_incident", "case"
_SUBJECT = "{code} Anomalia estesa · {place}"


def gather(bench: Bench, book: Book) -> None:
    """Notes which of the requests of the last hours belong to one incident."""
    incidents.ready(bench.ledger)
    for life in book.lives.values():
        for step in (s.model_extra or {} for s in life.steps if s.do == STEP):
            _gather(bench, life, step)


def _gather(bench: Bench, life: RequestType, step: Mapping[str, Any]) -> None:
    since = bench.as_of - timedelta(hours=int(step.get("look_back_hours", 24)))
    rows = incidents.recent(bench.ledger, [life.code], since)
    least = int(step.get("shops", 5))
    if len({r["shop"] for r in rows}) < least:
        return
    shops = desk.shops(bench.platform.query, [r["shop"] for r in rows])
    faults = [_fault(bench, r, shops.get(r["shop"], {})) for r in rows]
    known = incidents.known(bench.ledger, [f.key for f in faults])
    incidents.join(bench.ledger, grouped(faults, known, least, timedelta(minutes=int(step.get("minutes", 15)))))


def _fault(bench: Bench, row: Mapping[str, Any], shop: Mapping[str, Any]) -> Fault:
    """When it began: as the row says, where it says a time; else its receipt."""
    fields = sealed.unseal(bench.ledger, row["case_key"], row["sealed"])
    said = fields.get("occurred_at") if "W-NOTIME" not in row["codes"] else None
    at = datetime.fromisoformat(said) if said else database.instant_of(row["received_at"])
    named = {"province": str(shop.get("province") or ""), "provider": fold(fields.get("provider", ""))}
    return Fault(row["case_key"], row["shop"], at, tuple(f"{k}:{v}" for k, v in named.items() if v))


def add(bench: Bench, mappings: Mapping[str, SyncMapping], draft: Draft) -> None:
    """Adds parents that are missing to the draft, and links to those that are there."""
    members = incidents.unlinked(bench.ledger)
    if not members:
        return
    parents = index_of(m["incident"] for m in members)
    here, there = (side.fetch(mappings[CASE], parents) for side in (bench.platform, bench.salesforce))
    ids = {str(k): str(i) for k, i in there.meta["id"].items()}
    first = {m["incident"]: m for m in reversed(members)}
    missing = {k: _parent(bench, m) for k, m in first.items() if k not in ids or k not in here.values.index}
    draft.add(CASE, changes.opened(mappings[CASE], missing, here, there))
    _link(bench, mappings[outbox.LINKS], draft, members, ids)


def _parent(bench: Bench, one: Mapping[str, Any]) -> dict[str, str]:
    [row] = requests.requests(bench.ledger, keys=[one["case_key"]])
    at = database.instant_of(row["received_at"]).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "tier": "PARTNER",
        "category": "connectivity_fault",
        "subcategory": row["code"],
        "channel": "system",
        "language": row["language"],
        "subject": _SUBJECT.format(code=row["code"], place=one["place"].partition(":")[2]),
        "priority": "P1",
        "status": "New",
        "owner": row["queue"],
        "received_at": at,
        "queue_entered_at": at,
    }


def _link(
    bench: Bench, mapping: SyncMapping, draft: Draft, members: Sequence[dict[str, Any]], ids: Mapping[str, str]
) -> None:
    ready = [m for m in members if m["incident"] in ids]
    if not ready:
        return
    now = bench.salesforce.fetch(mapping, index_of(k for m in ready for k in (m["case_key"], m["incident"])))
    hung = now.values["parent_case"].dropna()
    incidents.linked(bench.ledger, [m["case_key"] for m in ready if m["case_key"] in hung.index])
    wanted: dict[str, dict[str, str | None]] = {m["incident"]: {"incident": "true"} for m in ready}
    free = [m for m in ready if m["case_key"] not in hung.index]
    wanted |= {m["case_key"]: {"parent_case": ids[m["incident"]]} for m in free}
    draft.add(mapping.name, changes.on_side("salesforce", mapping, wanted, now))
