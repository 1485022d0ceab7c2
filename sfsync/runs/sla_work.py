"""sla work: the open cases of the org in the order in which they should be worked. Reads only.

What a case promises is read as the last sweep wrote it; the page of a query is looked at and only its most urgent cases
are kept, so that memory does not grow with the org.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sfsync.errors import ConfigError
from sfsync.planners.sla import order, tipoff, walltime
from sfsync.planners.sla.figures import Figures, figures
from sfsync.planners.sla.order import Waiting
from sfsync.planners.sla.trace import micros, trace
from sfsync.planners.sla.words import NONE, PRIORITIES, TIERS, EventKind
from sfsync.runs.bench import Bench
from sfsync.runs.sla_enforce import policies_of
from sfsync.runs.sla_people import read
from sfsync.runs.sla_policy import policy_at
from sfsync.sides.salesforce import soql

OVER = ("Resolved", "Closed", "Cancelled")
CLOCKS = ("FR", "MIT", "RES")  # those a case that is not resolved can be over
FIELDS = {
    "Id": "id",
    "SFS_Source_Key__c": "key",
    "CaseNumber": "number",
    "SFS_Tier__c": "tier",
    "Priority": "priority",
    "SFS_SLA_State__c": "state",
    "SFS_Next_Due__c": "next_due",
    "SFS_Esc_Level__c": "level",
    "SFS_Esc_Path__c": "path",
    "Type": "category",
    "OwnerId": "owner",
    "SFS_Received_At__c": "received",
    "CreatedDate": "created",
    "SFS_Compliance_Hold__c": "hold",
    "SFS_Policy_Version__c": "policy",
    "SFS_First_Response_At__c": "first_response",
    "SFS_Answered__c": "answered",
    "SFS_Mitigated_At__c": "mitigated",
    **{f"SFS_{c}_Due__c": f"{c}_due" for c in CLOCKS},
    **{f"SFS_{c}_State__c": f"{c}_state" for c in CLOCKS},
}
INSTANTS = ("next_due", "received", "created", "first_response", "answered", "mitigated", *(f"{c}_due" for c in CLOCKS))


@dataclass(frozen=True)
class Work:
    """The first ``cases`` of ``waiting`` open ones, as ``--json`` shows them."""

    as_of: str
    waiting: int
    cases: list[dict[str, Any]]


def work(bench: Bench, queue: str | None, limit: int, *, compliance: bool = False, live: bool = False) -> Work:
    """The ``limit`` cases that come first, of one ``queue`` or of all.

    Cases that compliance holds and those of laundering are among them only with ``compliance``. Raises ``ConfigError``
    SLA_QUEUE where the org has no such queue.
    """
    if live:
        bench.as_of = bench.salesforce.session.clock().replace(microsecond=0)
    known = figures(policy_at(policies_of(bench), bench.as_of))
    queues = {number: name for name, number in bench.salesforce.queues().items()}
    kept, waiting = pd.DataFrame(), 0
    for page in _pages(bench, _owner(bench, queue)):
        some = page if compliance else page[~_restricted(page, known)]
        if len(some):
            waiting += len(some)
            kept = _first(pd.concat([kept, _late(bench, some.reset_index(drop=True), known)], ignore_index=True), limit)
    return Work(str(walltime.text(_now(bench))), waiting, _told(kept, queues) if len(kept) else [])


def _now(bench: Bench) -> int:
    return walltime.micros(bench.as_of)


def _owner(bench: Bench, queue: str | None) -> str:
    """The condition that chooses a queue."""
    if queue is None:
        return ""
    number = bench.salesforce.queues().get(queue)
    if number is None:
        step = "Name a queue by its developer name; sfsync sla policy shows those of the policy."
        raise ConfigError(f"the org has no queue {queue}", "SLA_QUEUE", "--queue", step)
    return f"OwnerId = {soql.quote(number)}"


def _pages(bench: Bench, owner: str) -> Iterator[pd.DataFrame]:
    done = ",".join(soql.quote(s) for s in OVER)
    ask = soql.select(FIELDS, "Case", soql.all_of([f"IsClosed = FALSE AND Status NOT IN ({done})", owner]))
    for page in bench.salesforce.queries.pages(ask):
        rows = {ours: [r.get(theirs) for r in page.rows] for theirs, ours in FIELDS.items()}
        found = pd.DataFrame(rows, dtype=object)
        for name in INSTANTS:
            at = pd.to_datetime(found[name], utc=True, format="ISO8601").astype("datetime64[us, UTC]")
            found[name] = micros(at)
        yield found


def _restricted(rows: pd.DataFrame, known: Figures) -> np.ndarray:
    """bool n: held by compliance, of laundering, or of a category that will be held as soon as a sweep has seen it."""
    held = rows["hold"].fillna(False).to_numpy(bool)
    hold = {c for c, is_so in zip(known.categories, known.hold, strict=True) if is_so}
    unseen = rows["policy"].isna() & rows["category"].isin(hold)
    laundering = rows["category"].isin(tipoff.CATEGORIES) | (rows["path"] == "aml")
    found: np.ndarray = held | (unseen | laundering).to_numpy(bool)
    return found


def _late(bench: Bench, rows: pd.DataFrame, known: Figures) -> pd.DataFrame:
    """The same cases with ``over``: how long they are over what they missed."""
    due = rows[[f"{c}_due" for c in CLOCKS]].to_numpy(np.int64)
    breached = (rows[[f"{c}_state" for c in CLOCKS]] == "breached").to_numpy(bool)
    answered = _earlier(rows["first_response"].to_numpy(np.int64), rows["answered"].to_numpy(np.int64))
    unknown = np.flatnonzero(breached[:, 0] & (answered == NONE))
    answered[unknown] = _heard(bench, rows["id"].iloc[unknown].tolist(), known)
    stopped = np.column_stack([answered, rows["mitigated"].to_numpy(np.int64), np.full(len(rows), NONE)])
    return rows.assign(over=order.over(due, breached, stopped, _now(bench)))


def _earlier(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.where(one == NONE, other, np.where(other == NONE, one, np.minimum(one, other)))
    return found


def _heard(bench: Bench, ids: list[str], known: Figures) -> np.ndarray:
    """When these cases were answered by a comment, an e-mail or a call that no stamp tells of; int64 or ``NONE``."""
    made = pd.Series(NONE, index=ids, dtype="int64")
    if ids:
        traced = trace(read(bench, ids), known, _now(bench))
        first = traced.events.take(traced.events.kind == EventKind.FIRST_RESPONSE)
        made[traced.rows["id"].to_numpy(object)[first.case]] = first.at
    return made.to_numpy(np.int64)


def _first(rows: pd.DataFrame, limit: int) -> pd.DataFrame:
    received = rows["received"].to_numpy(np.int64)
    cases = Waiting(
        state=rows["state"].to_numpy(object),
        over=rows["over"].to_numpy(np.int64),
        priority=_numbers(rows["priority"], PRIORITIES),
        tier=_numbers(rows["tier"], TIERS),
        next_due=rows["next_due"].to_numpy(np.int64),
        t0=np.where(received == NONE, rows["created"].to_numpy(np.int64), received),
        key=rows["key"].fillna("SF-" + rows["number"].astype(str)).to_numpy(object),
    )
    return rows.assign(t0=cases.t0, key=cases.key).iloc[order.order(cases)[:limit]].reset_index(drop=True)


def _numbers(words: pd.Series, known: tuple[str, ...]) -> np.ndarray:
    return words.map({w: i for i, w in enumerate(known)}).fillna(-1).to_numpy(np.int8)


def _told(rows: pd.DataFrame, queues: dict[str, str]) -> list[dict[str, Any]]:
    """As people and scripts read it; ``queue`` null: a person has the case."""
    level = pd.to_numeric(rows["level"]).fillna(1).astype(int)
    columns = {
        "number": rows["number"],
        "key": rows["key"],
        "tier": rows["tier"],
        "priority": rows["priority"],
        "state": rows["state"],
        "next_due": walltime.texts(rows["next_due"].to_numpy(np.int64)),
        "over_s": [
            int(us) // 1_000_000 if s == order.FIRST[0] else None
            for us, s in zip(rows["over"], rows["state"], strict=True)
        ],
        "level": level.tolist(),
        "path": rows["path"],
        "queue": [queues.get(o) for o in rows["owner"]],
        "received_at": walltime.texts(rows["t0"].to_numpy(np.int64)),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
