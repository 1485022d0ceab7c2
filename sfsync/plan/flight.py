"""One batch, from the plan to the ledger: made ready, sent by the caller, landed.

``ready``: read again what is about to be written (compare-and-set), put the intent and the before-image into the
ledger. ``land``: read back what Salesforce made of it, and close the intent - outcomes, base and issues in one
transaction. Killed anywhere, the next run finds either an open intent, whose value is visible or not, or a closed one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sfsync.errors import BudgetReached
from sfsync.faultpoints import hit
from sfsync.ledger import base, images, intents, loads
from sfsync.ledger.tables import COMPLIANCE
from sfsync.mapping.model import Mapping
from sfsync.plan import decided, notes
from sfsync.plan import folder as stored
from sfsync.plan.echo import born, echo, given_at_birth
from sfsync.plan.hands import Hands
from sfsync.plan.model import ADOPT, CREATE, DELETE, UPDATE, BaseRows, Changes
from sfsync.plan.outcomes import complete, judge_unknown
from sfsync.plan.settle import DONE, Settled, moved, settle
from sfsync.plan.walk import Batch
from sfsync.sides.side import DELETED, FAILED, MOVED, UNKNOWN, Outcomes, Records, Side, Span, Write

LOAD_ROWS = 5_000  # from here on batches follow each other closely


@dataclass
class Flight:
    """A batch whose intent and image are in the ledger.

    changes  what is left of the batch: rows that moved on are held
    sent     digests (uint64 n x f) of ``changes.after``
    parts    outcomes that have come so far
    during   when the org wrote them, if it tells
    """

    step: Batch
    mapping: Mapping
    changes: Changes
    sent: np.ndarray
    intent: str = ""
    parts: list[pd.DataFrame] = field(default_factory=list)
    during: Span | None = None

    @property
    def write(self) -> Write:
        """The rows as the side takes them."""
        return Write(
            UPDATE if self.step.kind == ADOPT else self.step.kind,
            self.changes.keys,
            self.changes.rows["id"].set_axis(self.changes.keys),
            self.changes.keyed(self.changes.after),
            self.changes.touched,
            "compliance" if self.step.lane == "compliance" else "normal",
        )

    @property
    def arrived(self) -> int:
        """Rows whose outcome has come."""
        return sum(len(p) for p in self.parts)

    def take(self, outcomes: Outcomes) -> None:
        """Outcomes of some of its rows."""
        self.parts.append(outcomes.rows)
        if outcomes.during:
            since, until = self.during or outcomes.during
            self.during = min(since, outcomes.during[0]), max(until, outcomes.during[1])


# -- before -------------------------------------------------------------------------------------------------------


def ready(hands: Hands, step: Batch, changes: Changes) -> Flight | None:
    """The batch, checked against what the side holds now and noted in the ledger; None if nothing is left of it."""
    mapping, side = hands.mappings[step.mapping], hands.side(step.side)
    changes = _with_ids(hands, mapping, changes)
    stale = np.zeros(len(changes), bool) if step.fresh else _stale(side, mapping, step.kind, changes)
    moved_on, changes = changes.take(stale), changes.take(~stale)
    hands.hold(step, moved_on, "MOVED")
    hands.moved[mapping.name] = hands.moved.get(mapping.name, 0) + len(moved_on)
    changes = _claimed(hands, step, mapping, changes)
    if not len(changes):
        return None
    flight = Flight(step, mapping, changes, hands.digest(mapping)(changes.keyed(changes.after)))
    flight.intent = _opened(hands, flight)
    _save_image(hands, flight)
    return flight


def _with_ids(hands: Hands, mapping: Mapping, changes: Changes) -> Changes:
    """Links of cycles are written to records this very run created: their ids are in the ledger by now."""
    lacking = (changes.rows["id"].isna() & (changes.rows["kind"] != CREATE)).to_numpy(bool)
    if not lacking.any() or changes.rows["side"].iloc[0] != "salesforce":
        return changes
    ids = base.ids_of(hands.ledger, mapping.name, changes.keys[lacking])
    rows = changes.rows.copy()
    rows.loc[lacking, "id"] = ids.reindex(changes.keys[lacking]).to_numpy()
    return Changes(rows, changes.after, changes.before, changes.cause)


def _claimed(hands: Hands, step: Batch, mapping: Mapping, changes: Changes) -> Changes:
    """Without the rows whose decision somebody took back since the plan."""
    if not len(changes):
        return changes
    digest = hands.digest(mapping)
    lost = decided.withdrawn(hands.ledger, hands.run_id, mapping, hands.as_of, changes, digest)
    hands.hold(step, changes.take(lost), decided.WITHDRAWN)
    return changes.take(~lost)


def _stale(side: Side, mapping: Mapping, kind: str, changes: Changes) -> np.ndarray:
    if kind == CREATE or not len(changes):
        return np.zeros(len(changes), bool)
    ids = changes.rows["id"].set_axis(changes.keys)
    known = ids.notna().to_numpy(bool)
    now = side.fetch(mapping, changes.keys[known], ids[known] if changes.rows["side"].iloc[0] == "salesforce" else None)
    return moved(mapping, changes, now)


def _opened(hands: Hands, flight: Flight) -> str:
    step, changes = flight.step, flight.changes
    return intents.open(
        hands.ledger,
        hands.run_id,
        step.mapping,
        step.side,
        step.kind,
        changes.keys,
        flight.mapping.columns,
        flight.sent,
        changes.touched,
        lease=hands.leases.get(step.mapping),
    )


def _save_image(hands: Hands, flight: Flight) -> None:
    hands.images += 1
    table = stored.changes_table(flight.changes)
    images.save(hands.ledger, hands.run_id, flight.step.mapping, flight.step.side, hands.images, table)


# -- after --------------------------------------------------------------------------------------------------------


def land(hands: Hands, flight: Flight) -> None:
    """Looks at what became of the batch and closes its intent; rows without an outcome were not sent (budget)."""
    step, mapping, changes = flight.step, flight.mapping, flight.changes
    digest = hands.digest(mapping)
    hands.salesforce.lane = step.lane  # others may have been made ready since it left
    outcomes = complete(changes.keys, flight.parts)
    hit("apply.written")
    if flight.during and _can_wait(flight, outcomes):
        loads.add(hands.ledger, mapping.name, *flight.during, len(outcomes))
    read = _read_back(hands, flight, outcomes)
    outcomes = judge_unknown(changes, outcomes, read, flight.sent, digest)
    settled = settle(mapping, changes, outcomes, read, flight.sent, digest)
    _close(hands, flight, outcomes, settled)
    if step.kind == CREATE and step.side == "salesforce" and read is not None:
        _take_back(hands, mapping, read)
    hands.progress(mapping.name, f"writing {step.side}", len(changes))


def _read_back(hands: Hands, flight: Flight, outcomes: pd.DataFrame) -> Records | None:
    """Settle-read: what the org holds now. Without budget for it, what was sent is taken for what is there."""
    rows = flight.changes.rows
    look = outcomes["result"].isin([*DONE, UNKNOWN]) & (rows["kind"] != DELETE).to_numpy(bool)
    if flight.step.side != "salesforce" or not hands.salesforce.capabilities.settle_read or not look.any():
        return None
    if _can_wait(flight, outcomes):
        return None
    ids = outcomes["id"].fillna(rows["id"].set_axis(flight.changes.keys))[look]
    try:
        return hands.salesforce.settled(flight.mapping, ids, flight.during)
    except BudgetReached as reached:
        hands.stopped = reached
        return None


def _can_wait(flight: Flight, outcomes: pd.DataFrame) -> bool:
    """A large load of new records is not read at once: the next window delivers them all anyway (``settling``)."""
    given = given_at_birth(flight.mapping) or (outcomes["result"] == UNKNOWN).any()
    return flight.during is not None and flight.step.kind == CREATE and len(outcomes) >= LOAD_ROWS and not given


def _close(hands: Hands, flight: Flight, outcomes: pd.DataFrame, settled: Settled) -> None:
    step, mapping = flight.step, flight.mapping
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
    known = None if mapping.name in hands.no_base else as_base(mapping, settled.base)
    lease = hands.leases.get(mapping.name)
    intents.close(hands.ledger, flight.intent, outcomes, base=known, lease=lease)
    if step.lane == COMPLIANCE:
        unwritten = outcomes["result"][outcomes["result"].isin([FAILED, MOVED, UNKNOWN])]
        notes.wait(hands.ledger, hands.run_id, mapping.name, outcomes["code"][unwritten.index].fillna(unwritten))
    if len(settled.differences):
        found = settled.differences.rename(columns={"p": "platform_digest", "s": "salesforce_digest"})
        decided.settle_differences(hands.ledger, hands.run_id, mapping, found)


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


def _take_back(hands: Hands, mapping: Mapping, read: Records) -> None:
    """What Salesforce gave new records of its own goes back to the platform in the same run."""
    if not given_at_birth(mapping) or not len(read):
        return
    now = hands.platform.fetch(born(mapping), read.values.index)
    back = echo(mapping, read, now)
    if len(back):
        hands.echoed[mapping.name] = hands.echoed.get(mapping.name, 0) + len(back)
        hands.echoes.append(Batch(mapping.name, "platform", UPDATE, "main", back, fresh=True))
