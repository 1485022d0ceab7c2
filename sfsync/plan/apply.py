"""The one function that writes: every step of the plan in order, each batch made ready, sent and landed (``flight``).

Large batches of one kind follow each other closely: while Salesforce works on one, the next is made ready and uploaded,
and the last one is read back and closed. Two are never at work at once, so no two want the same locks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sfsync.errors import BudgetReached
from sfsync.faultpoints import hit
from sfsync.frugal import give_back
from sfsync.ledger import base, intents
from sfsync.plan import decided, notes
from sfsync.plan.flight import LOAD_ROWS, Flight, as_base, land, ready
from sfsync.plan.folder import PlanFolder
from sfsync.plan.hands import Hands, said
from sfsync.plan.model import ADOPT, Changes
from sfsync.plan.walk import Batch, Issues, Remember, walk
from sfsync.sides.side import ManyWrites, Outcomes

BULK_ROWS = 24_000
Step = Remember | Batch | Issues


def apply(folder: PlanFolder, hands: Hands) -> None:
    """Writes the plan. Every change ends in the ledger with exactly one result; raises only if a side is lost."""
    steps = _Steps(walk(folder, {"salesforce": BULK_ROWS, "platform": hands.platform.capabilities.batch_rows}))
    for step in steps:
        if not isinstance(step, Batch):
            _note(hands, step)
        elif _is_load(step):
            _Convoy(hands, step, steps).go()
        else:
            _batch(hands, step)
        _echo(hands)
    hands.findings += said(hands)


def _note(hands: Hands, step: Remember | Issues) -> None:
    """What concerns the ledger alone."""
    if isinstance(step, Issues):
        notes.record(hands.ledger, hands.run_id, step.segment)
        return
    mapping = hands.mappings[step.mapping]
    rows = decided.let_go(hands.ledger, hands.run_id, mapping.name, step.segment.base)
    base.advance(hands.ledger, mapping.name, as_base(mapping, rows))
    hit("apply.remembered")


# -- one batch ----------------------------------------------------------------------------------------------------


def _batch(hands: Hands, step: Batch) -> None:
    """Writes one batch, or says why not."""
    flight = _ready(hands, step)
    if flight is None:
        return
    if step.side == "salesforce":
        hands.salesforce.on_job = partial(intents.set_job, hands.ledger, flight.intent)
    try:
        for outcomes in hands.side(step.side).write(flight.mapping, flight.write):
            _arrived(hands, flight, outcomes)
    except BudgetReached as reached:
        hands.stopped = reached
    land(hands, flight)


def _ready(hands: Hands, step: Batch) -> Flight | None:
    """The batch on its way, or None: its rows are held, or nothing is left of it."""
    hands.progress(step.mapping, f"writing {step.side}", 0)
    hands.salesforce.lane = step.lane
    changes = _without_refused(hands, step)
    if not (hands.stopped and step.side == "salesforce"):
        try:
            return ready(hands, step, changes)
        except BudgetReached as stop:
            hands.stopped = stop
    hands.hold(step, changes, "BUDGET")
    return None


def _without_refused(hands: Hands, step: Batch) -> Changes:
    """A record whose key could not be set in Salesforce gets no platform row either."""
    refused = hands.refused.get(step.mapping)
    if not refused or step.side == "salesforce":
        return step.changes
    lost = step.changes.rows["key"].isin(refused).to_numpy(bool)
    hands.hold(step, step.changes.take(lost), "KEY_NOT_SET")
    return step.changes.take(~lost)


def _arrived(hands: Hands, flight: Flight, outcomes: Outcomes) -> None:
    flight.take(outcomes)
    hands.progress(flight.mapping.name, f"writing {flight.step.side}", flight.arrived)
    hit("apply.part")


def _echo(hands: Hands) -> None:
    """Writes to the platform what Salesforce gave the records of the batch that has just landed."""
    lane = hands.salesforce.lane
    while hands.echoes:
        _batch(hands, hands.echoes.pop())
    hands.salesforce.lane = lane


# -- large batches, one close after the other -----------------------------------------------------------------------


class _Steps:
    """The steps of the plan, with a way to put one back."""

    def __init__(self, steps: Iterator[Step]) -> None:
        self._steps = steps
        self._back: list[Step] = []

    def __iter__(self) -> Iterator[Step]:
        return self

    def __next__(self) -> Step:
        return self._back.pop() if self._back else next(self._steps)

    def put_back(self, step: Step) -> None:
        self._back.append(step)


def _is_load(step: Batch) -> bool:
    return step.side == "salesforce" and step.kind != ADOPT and len(step.changes) >= LOAD_ROWS


class _Convoy:
    """Batches of the same mapping, kind and lane; what the plan notes between them is noted in its order."""

    def __init__(self, hands: Hands, first: Batch, steps: _Steps) -> None:
        self._hands, self._first, self._steps = hands, first, steps
        self._flying: dict[int, Flight] = {}
        self._after: dict[int, list[Issues]] = {}
        self._sent = 0

    def go(self) -> None:
        """Sends and lands them all; what the budget did not reach is held."""
        hands, mapping = self._hands, self._hands.mappings[self._first.mapping]
        try:
            for number, outcomes in hands.salesforce.write_many(mapping, self._writes()):
                flight = self._flying[number]
                _arrived(hands, flight, outcomes)
                if flight.arrived >= len(flight.changes):
                    self._land(number)
                del flight, outcomes  # before the next batch is made
        except BudgetReached as reached:
            hands.stopped = reached
        for number in sorted(self._flying):
            self._land(number)

    def _writes(self) -> ManyWrites:
        for step in self._alike():
            if not isinstance(step, Batch):
                self._later(step)
                continue
            flight = _ready(self._hands, step)
            if flight is not None:
                self._flying[self._sent] = flight
                self._sent += 1
                yield flight.write, partial(intents.set_job, self._hands.ledger, flight.intent)
            del step, flight

    def _alike(self) -> Iterator[Step]:
        yield self._first
        for step in self._steps:
            if isinstance(step, Batch) and not (_is_load(step) and _kind(step) == _kind(self._first)):
                self._steps.put_back(step)
                return
            yield step

    def _later(self, step: Remember | Issues) -> None:
        """Issues are noted after the batch before them: a written record loses its old issues first."""
        if isinstance(step, Issues) and self._flying:
            self._after.setdefault(max(self._flying), []).append(step)
        else:
            _note(self._hands, step)

    def _land(self, number: int) -> None:
        land(self._hands, self._flying.pop(number))
        for issues in self._after.pop(number, []):
            _note(self._hands, issues)
        _echo(self._hands)  # the org is at work on the next one
        give_back()


def _kind(step: Batch) -> tuple[str, str, str]:
    return step.mapping, step.kind, step.lane
