"""The one function that writes.

Per batch: read again what is about to be written (compare-and-set), put the intent and the before-image into the
ledger, write, read back what Salesforce made of it, and close the intent - outcomes, base and issues in one
transaction. Killed anywhere, the next run finds either an open intent, whose value is visible or not, or a closed one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from sfsync.errors import BudgetReached
from sfsync.faultpoints import hit
from sfsync.ledger import base, images, intents
from sfsync.ledger.lease import Lease
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import COMPLIANCE
from sfsync.mapping.model import Mapping
from sfsync.plan import decided, notes
from sfsync.plan import folder as stored
from sfsync.plan.echo import echo, given_at_birth
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import ADOPT, CREATE, DELETE, UPDATE, BaseRows, Changes
from sfsync.plan.outcomes import complete, judge_unknown
from sfsync.plan.settle import DONE, Digest, Settled, moved, settle
from sfsync.plan.walk import Batch, Issues, Remember, walk
from sfsync.sides.side import (
    DELETED,
    FAILED,
    MOVED,
    UNKNOWN,
    Finding,
    Org,
    Records,
    Side,
    Write,
    concat,
)

BULK_ROWS = 50_000
Progress = Callable[[str, str, int], None]


@dataclass
class Hands:
    """What apply works with, and what it has done so far."""

    platform: Side
    salesforce: Org
    ledger: Ledger
    run_id: str
    mappings: dict[str, Mapping]
    digest: Callable[[Mapping], Digest]
    as_of: datetime
    progress: Progress = lambda *_: None
    stopped: BudgetReached | None = None
    findings: list[Finding] = field(default_factory=list)
    moved: dict[str, int] = field(default_factory=dict)  # per mapping, records that dropped out of their batch
    automated: dict[tuple[str, str], int] = field(default_factory=dict)
    refused: dict[str, set[str]] = field(default_factory=dict)
    leases: dict[str, Lease] = field(default_factory=dict)
    images: int = 0
    echoes: list[Batch] = field(default_factory=list)
    echoed: dict[str, int] = field(default_factory=dict)  # per mapping, records that went back to the platform

    def side(self, name: str) -> Side:
        """A side by name."""
        return self.salesforce if name == "salesforce" else self.platform


def apply(folder: PlanFolder, hands: Hands) -> None:
    """Writes the plan. Every change ends in the ledger with exactly one result; raises only if a side is lost."""
    rows = {"salesforce": BULK_ROWS, "platform": hands.platform.capabilities.batch_rows}
    for step in walk(folder, rows):
        if isinstance(step, Remember):
            _remember(hands, step)
        elif isinstance(step, Issues):
            notes.record(hands.ledger, hands.run_id, step.segment)
        else:
            _batch(hands, step)
            while hands.echoes:
                _batch(hands, hands.echoes.pop())
    hands.findings += [*_automation(hands), *_moved(hands)]


def _remember(hands: Hands, step: Remember) -> None:
    mapping = hands.mappings[step.mapping]
    rows = decided.let_go(hands.ledger, hands.run_id, mapping.name, step.segment.base)
    base.advance(hands.ledger, mapping.name, as_base(mapping, rows))
    hit("apply.remembered")


def as_base(mapping: Mapping, rows: BaseRows) -> base.Base:
    """Base rows as the ledger takes them."""
    m = rows.meta
    return base.Base.of(
        mapping.columns,
        rows.keys,
        rows.digests,
        salesforce_id=m["id"],
        salesforce_stamp=m["salesforce_stamp"],
        platform_stamp=m["platform_stamp"],
        state=m["state"].fillna("synced"),
        survivor=m["survivor"],
    )


def _batch(hands: Hands, step: Batch) -> None:
    """Writes one batch, or says why not."""
    hands.progress(step.mapping, f"writing {step.side}", 0)
    hands.salesforce.lane = step.lane
    changes = _without_refused(hands, step)
    if hands.stopped and step.side == "salesforce":
        _hold(hands, step, changes, "BUDGET")
        return
    try:
        _write(hands, step, changes)
    except BudgetReached as stop:
        hands.stopped = stop
        _hold(hands, step, changes, "BUDGET")


def _without_refused(hands: Hands, step: Batch) -> Changes:
    """A record whose key could not be set in Salesforce gets no platform row either."""
    refused = hands.refused.get(step.mapping)
    if not refused or step.side == "salesforce":
        return step.changes
    lost = step.changes.rows["key"].isin(refused).to_numpy(bool)
    _hold(hands, step, step.changes.take(lost), "KEY_NOT_SET")
    return step.changes.take(~lost)


def _hold(hands: Hands, step: Batch, changes: Changes, code: str) -> None:
    notes.hold(hands.ledger, hands.run_id, step.mapping, step.side, step.kind, changes.keys, code, step.lane)


def _write(hands: Hands, step: Batch, changes: Changes) -> None:
    mapping, side = hands.mappings[step.mapping], hands.side(step.side)
    digest = hands.digest(mapping)
    changes = _with_ids(hands, mapping, changes)
    stale = _stale(side, mapping, step.kind, changes)
    moved_on, changes = changes.take(stale), changes.take(~stale)
    _hold(hands, step, moved_on, "MOVED")
    hands.moved[mapping.name] = hands.moved.get(mapping.name, 0) + len(moved_on)
    if not len(changes):
        return
    changes = _claimed(hands, step, mapping, changes, digest)
    if not len(changes):
        return
    sent = digest(changes.keyed(changes.after))
    digests = np.where(changes.touched, sent, np.uint64(0))
    intent = intents.open(
        hands.ledger,
        hands.run_id,
        mapping.name,
        step.side,
        step.kind,
        changes.keys,
        mapping.columns,
        digests,
        changes.touched,
        lease=hands.leases.get(mapping.name),
    )
    _save_image(hands, mapping, step, changes)
    outcomes = _send(hands, side, mapping, step, changes, intent)
    hit("apply.written")
    read = _read_back(hands, side, mapping, changes, outcomes)
    outcomes = judge_unknown(changes, outcomes, read, digests, digest)
    settled = settle(mapping, changes, outcomes, read, sent, digest)
    _close(hands, mapping, step, changes, outcomes, settled, intent)
    if step.kind == CREATE and step.side == "salesforce" and read is not None:
        _take_back(hands, mapping, read)
    hands.progress(mapping.name, f"writing {step.side}", len(changes))


def _claimed(hands: Hands, step: Batch, mapping: Mapping, changes: Changes, digest: Digest) -> Changes:
    """Without the rows whose decision somebody took back since the plan."""
    lost = decided.withdrawn(hands.ledger, hands.run_id, mapping, hands.as_of, changes, digest)
    _hold(hands, step, changes.take(lost), decided.WITHDRAWN)
    return changes.take(~lost)


def _with_ids(hands: Hands, mapping: Mapping, changes: Changes) -> Changes:
    """Links of cycles are written to records this very run created: their ids are in the ledger by now."""
    lacking = (changes.rows["id"].isna() & (changes.rows["kind"] != CREATE)).to_numpy(bool)
    if not lacking.any() or changes.rows["side"].iloc[0] != "salesforce":
        return changes
    ids = base.ids_of(hands.ledger, mapping.name, changes.keys[lacking])
    rows = changes.rows.copy()
    rows.loc[lacking, "id"] = ids.reindex(changes.keys[lacking]).to_numpy()
    return Changes(rows, changes.after, changes.before, changes.cause)


def _stale(side: Side, mapping: Mapping, kind: str, changes: Changes) -> np.ndarray:
    if kind == CREATE or not len(changes):
        return np.zeros(len(changes), bool)
    ids = changes.rows["id"].set_axis(changes.keys)
    known = ids.notna().to_numpy(bool)
    now = side.fetch(mapping, changes.keys[known], ids[known] if changes.rows["side"].iloc[0] == "salesforce" else None)
    return moved(mapping, changes, now)


def _save_image(hands: Hands, mapping: Mapping, step: Batch, changes: Changes) -> None:
    hands.images += 1
    table = stored.changes_table(changes)
    images.save(hands.ledger, hands.run_id, mapping.name, step.side, hands.images, table)


def _send(hands: Hands, side: Side, mapping: Mapping, step: Batch, changes: Changes, intent: str) -> pd.DataFrame:
    """Sends the rows; one outcome per row whatever happens. Rows the budget did not reach are held."""
    kind = UPDATE if step.kind == ADOPT else step.kind
    write = Write(
        kind,
        changes.keys,
        changes.rows["id"].set_axis(changes.keys),
        changes.keyed(changes.after),
        changes.touched,
        "compliance" if step.lane == "compliance" else "normal",
    )
    if step.side == "salesforce":
        hands.salesforce.on_job = lambda job_id: intents.set_job(hands.ledger, intent, job_id)
    parts: list[pd.DataFrame] = []
    try:
        for outcomes in side.write(mapping, write):
            parts.append(outcomes.rows)
            hands.progress(mapping.name, f"writing {step.side}", sum(len(p) for p in parts))
            hit("apply.part")
    except BudgetReached as reached:
        hands.stopped = reached
    return complete(changes.keys, parts)


def _read_back(hands: Hands, side: Side, mapping: Mapping, changes: Changes, outcomes: pd.DataFrame) -> Records | None:
    """Settle-read: what the org holds now. Without budget for it, what was sent is taken for what is there."""
    look = outcomes["result"].isin([*DONE, UNKNOWN]) & (changes.rows["kind"] != DELETE).to_numpy(bool)
    if not side.capabilities.settle_read or not look.any():
        return None
    ids = outcomes["id"].fillna(changes.rows["id"].set_axis(changes.keys))[look]
    try:
        return _fetched(side, mapping, ids)
    except BudgetReached as reached:
        hands.stopped = reached
        return None


def _fetched(side: Side, mapping: Mapping, ids: pd.Series) -> Records:
    """Records by their own id, or by key where the id is not known (a reply was lost)."""
    with_id, without = ids.dropna(), ids.index[ids.isna()]
    parts = [side.fetch(mapping, with_id.index, with_id)] if len(with_id) else []
    if len(without):
        parts.append(side.fetch(mapping, without))
    return concat(mapping, parts)


def _close(
    hands: Hands, mapping: Mapping, step: Batch, changes: Changes, outcomes: pd.DataFrame, settled: Settled, intent: str
) -> None:
    refused = outcomes.index[outcomes["result"].isin([FAILED, MOVED, UNKNOWN])]
    if step.kind == ADOPT and len(refused):
        hands.refused.setdefault(mapping.name, set()).update(refused)
    for name, count in settled.differences["field"].value_counts().items():
        key = (mapping.name, str(name))
        hands.automated[key] = hands.automated.get(key, 0) + int(count)
    if step.kind == DELETE:
        base.forget(hands.ledger, mapping.name, outcomes.index[outcomes["result"] == DELETED])
    orphans = (outcomes["result"] == FAILED) & (outcomes["kind_of_failure"] == "parent")
    outcomes = outcomes.assign(
        result=outcomes["result"].mask(orphans, MOVED), code=outcomes["code"].mask(orphans, "PARENT_MISSING")
    )
    lease = hands.leases.get(mapping.name)
    intents.close(hands.ledger, intent, outcomes, base=as_base(mapping, settled.base), lease=lease)
    if step.lane == COMPLIANCE:
        unwritten = outcomes["result"][outcomes["result"].isin([FAILED, MOVED, UNKNOWN])]
        notes.wait(hands.ledger, hands.run_id, mapping.name, outcomes["code"][unwritten.index].fillna(unwritten))
    if len(settled.differences):
        found = settled.differences.rename(columns={"p": "platform_digest", "s": "salesforce_digest"})
        decided.settle_differences(hands.ledger, hands.run_id, mapping, found)


def _take_back(hands: Hands, mapping: Mapping, read: Records) -> None:
    """What Salesforce gave new records of its own goes back to the platform in the same run."""
    if not given_at_birth(mapping) or not len(read):
        return
    now = hands.platform.fetch(mapping, read.values.index)
    back = echo(mapping, read, now, hands.digest(mapping))
    if len(back):
        hands.echoed[mapping.name] = hands.echoed.get(mapping.name, 0) + len(back)
        hands.echoes.append(Batch(mapping.name, "platform", UPDATE, "main", back))


def _moved(hands: Hands) -> Iterator[Finding]:
    for mapping, count in hands.moved.items():
        if count:
            text = f"{count:,} {mapping} records changed between plan and write and were left alone"
            yield Finding("MOVED", text, "info", mapping, next_step="The next sync looks at them again.")


def _automation(hands: Hands) -> Iterator[Finding]:
    for (mapping, name), count in hands.automated.items():
        yield decided.automated(hands.mappings[mapping], name, count)
