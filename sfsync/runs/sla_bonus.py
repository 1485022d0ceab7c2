"""Who excludes himself gets no bonus: the platform, whose word that is, is asked to block them (policy C.7, rule 2).

One row of ``change_requests`` per case and player, ever. It says what is wanted and for whom, not why.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

import pandas as pd

from sfsync.ledger import base
from sfsync.plan.apply import apply
from sfsync.plan.folder import PlanFolder
from sfsync.planners.requests.life import changes, outbox
from sfsync.planners.requests.life.changes import Draft, Ends
from sfsync.runs import sync as runs
from sfsync.runs.running import Run, scratch
from sfsync.sides.side import TEXT

KIND = "bonus_block"


def block(run: Run, players: Mapping[str, str]) -> None:
    """Asks for the block of these players (by case key), unless it was asked or is so already."""
    bench, mapping = run.bench, outbox.outbox()
    wanted = {_key(case, player): (case, player) for case, player in sorted(players.items())}
    there = bench.platform.fetch(mapping, pd.Index(list(wanted), dtype=TEXT, name="key")).values.index
    blocked = _blocked(run, sorted(set(players.values())))
    rows = [
        _row(run, key, case, player)
        for key, (case, player) in wanted.items()
        if key not in there and player not in blocked
    ]
    if not rows:
        return
    folder = PlanFolder.create(scratch(bench))
    try:
        draft = Draft({outbox.NAME: mapping})
        draft.add(outbox.NAME, changes.asked(mapping, rows))
        generations = {outbox.NAME: base.generation(bench.ledger, outbox.NAME)}
        ends = Ends(bench.platform.identity(), bench.salesforce.identity(), generations, bench.as_of)
        changes.finish(draft, ends, folder, kind="sla")
        apply(folder, replace(runs.hands_of(run), mappings={outbox.NAME: mapping}, leases={}))
    finally:
        folder.remove()


def _key(case: str, player: str) -> str:
    return sha256(f"{case}|{KIND}|{player}".encode()).hexdigest()


def _blocked(run: Run, players: list[str]) -> set[str]:
    keys = pd.Index(players, dtype=TEXT, name="key")
    flags = run.bench.platform.fetch(run.bench.mappings["player"], keys).values["bonus_blocked"]
    return set(flags.index[(flags == "true").fillna(False).to_numpy(bool)])


def _row(run: Run, key: str, case: str, player: str) -> dict[str, str | None]:
    return {
        "request_key": key,
        "case_key": case,
        "kind": KIND,
        "target_key": player,
        "payload": json.dumps({"bonus_blocked": True}),
        "requested_by": run.bench.actor[:120],
        "approved_by": None,
        "state": "requested",
        "requested_at": run.bench.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
