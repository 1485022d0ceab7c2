"""Compliance flags when the budget stops a run before its plan is made: they go out alone, on calls kept for people.

Salesforce may hold a batch nobody saw the end of (``plan.recover`` did not get that far): its cells are in doubt, as
they would be after a recovery that found nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sfsync.errors import BudgetReached
from sfsync.ledger import intents
from sfsync.ledger.store import Ledger
from sfsync.mapping.model import Mapping
from sfsync.plan.apply import apply
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Note
from sfsync.planners.sync import urgent
from sfsync.planners.sync.make import Sources
from sfsync.runs.memory import LedgerMemory
from sfsync.runs.running import Run, scratch
from sfsync.runs.sync import expect, finish, hands_of, stop_at
from sfsync.sides.side import TEXT

log = logging.getLogger("sfsync.budget")


def write(run: Run, sources: Sources, memory: LedgerMemory, stop: BudgetReached, waive: Sequence[str]) -> None:
    """Writes the compliance changes of this run; raises ``stop`` if there are none, or not even calls for them."""
    salesforce, folder = run.bench.salesforce, PlanFolder.create(scratch(run.bench))
    salesforce.lane = urgent.LANE
    try:
        for mapping in run.mappings.values():
            memory.in_doubt.setdefault(mapping.name, _unseen(run.bench.ledger, mapping))
        header = urgent.make(sources, folder)
        if not header.changes:
            raise stop
        stop_at(header.findings, waive)
        expect(run, header)
        hands = hands_of(run)
        apply(folder, hands)
        hands.stopped = hands.stopped or stop
        run.result.findings = [_note(stop), *header.findings]
        finish(run, folder, hands)
    except BudgetReached:
        log.warning("budget.compliance_unwritten")
        raise stop from None
    finally:
        salesforce.lane = "main"
        folder.remove()


def _note(stop: BudgetReached) -> Note:
    text = f"{stop.message}; only compliance flags were written"
    return Note(code=stop.code, message=text, next_step=stop.next_step)


def _unseen(ledger: Ledger, mapping: Mapping) -> pd.DataFrame:
    """(key, field) of all cells in open batches."""
    parts = [pd.DataFrame({"key": pd.Series(dtype=TEXT), "field": pd.Series(dtype=TEXT)})]
    for one in intents.open_intents(ledger, mapping.name):
        rows, columns = np.nonzero(one.touched)
        names = np.asarray(one.columns, dtype=object)[columns]
        parts.append(pd.DataFrame({"key": one.keys.to_numpy()[rows], "field": names}, dtype=TEXT))
    return pd.concat(parts, ignore_index=True)
