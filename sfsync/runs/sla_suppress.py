"""Suppression first: who asks to be excluded is not contacted any more before his case is worked (policy C.7, rule 1).

The flag of the player rises on both sides in the lane of compliance. Where that fails, nothing is written for the
player's cases, and the run says so. Whether bonuses are blocked is the platform's to say: it is asked to.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sfsync.ledger import issues
from sfsync.mapping.model import Mapping
from sfsync.plan.apply import apply
from sfsync.plan.folder import PlanFolder
from sfsync.plan.forecast import sent
from sfsync.plan.model import Count, Header, MappingPlan, Segment
from sfsync.planners.sla import make
from sfsync.runs import sync as runs
from sfsync.runs.running import Run, scratch
from sfsync.runs.sla_bonus import block
from sfsync.runs.sla_people import about
from sfsync.sides.side import TEXT

CATEGORIES = ("self_exclusion", "cooling_off")  # policy C.5.3
FLAG = "contact_suppressed"
OVER = ("Resolved", "Closed", "Cancelled")


def suppress(run: Run, cases: pd.DataFrame, entered: dict[str, str | None]) -> set[str]:
    """Suppresses the players of the cases that ask for it; returns the cases (ids) of which that failed.

    ``cases``: frame id, key, number, category, status; ``entered``: the category for which that was done, by case id.
    """
    asks = cases["category"].isin(CATEGORIES) & ~cases["status"].isin(OVER)
    asks &= cases["id"].map(entered).ne(cases["category"])
    players = about(run.bench, "player", cases["id"][asks].tolist())
    if not players:
        return set()
    lost = _raise(run, sorted(set(players.values())))
    keys = cases["key"].where(cases["key"].notna(), "SF-" + cases["number"].astype(str)).set_axis(cases["id"])
    block(run, {keys[case]: player for case, player in players.items() if player not in lost})
    return {case for case, player in players.items() if player in lost}


def _raise(run: Run, players: list[str]) -> set[str]:
    bench, mapping = run.bench, run.bench.mappings["player"]
    keys = pd.Index(players, dtype=TEXT, name="key")
    ends = {"salesforce": bench.salesforce.fetch(mapping, keys), "platform": bench.platform.fetch(mapping, keys)}
    segment = make.suppressions(mapping, FLAG, ends)
    if not len(segment.changes):
        return set()
    folder = PlanFolder.create(scratch(bench))
    try:
        folder.add(0, segment)
        folder.finish(_header(run, mapping, segment))
        hands = replace(runs.hands_of(run), mappings={mapping.name: mapping}, leases={})
        apply(folder, hands)
    finally:
        folder.remove()
    bench.salesforce.lane = "main"
    return set(players) if hands.stopped else _unwritten(run, mapping, segment)


def _unwritten(run: Run, mapping: Mapping, segment: Segment) -> set[str]:
    """Players whose flag some side did not take."""
    ledger, keys = run.bench.ledger, segment.changes.keys
    held, failed = (ask(ledger, mapping.name, keys=keys) for ask in (issues.holds, issues.failures))
    mine = failed[failed["touched"].str.split(",").map(lambda names: FLAG in names)] if len(failed) else failed
    return set(held["key"][(held["run_id"] == run.id).to_numpy(bool)]) | set(mine["key"])


def _header(run: Run, mapping: Mapping, segment: Segment) -> Header:
    bench, rows = run.bench, segment.changes.rows
    counts = {side: Count(updated=int(np.sum(rows["side"] == side))) for side in ("salesforce", "platform")}
    plan = MappingPlan(
        columns=mapping.columns,
        digest=mapping.digest,
        generation=0,
        windows={},
        read={},
        salesforce=counts["salesforce"],
        platform=counts["platform"],
        conflicts=0,
        segments=1,
        lanes={mapping.fields[FLAG].lane: len(rows)},
        sent=sent(rows),
    )
    return Header(
        kind="sla",
        as_of=bench.as_of,
        platform=bench.platform.identity(),
        org=bench.salesforce.identity(),
        order=(mapping.name,),
        mappings={mapping.name: plan},
    )
