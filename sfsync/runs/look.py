"""explain: looking, never writing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sfsync.errors import ConfigError
from sfsync.ledger import base, history
from sfsync.mapping.model import Mapping
from sfsync.merge.decide import Action
from sfsync.merge.guard import Sizes
from sfsync.merge.verdict import Presence, Verdict
from sfsync.plan.explain import because, shown
from sfsync.planners.sync.bucket import Draft, merge, segment
from sfsync.planners.sync.links import Links
from sfsync.runs import inbox
from sfsync.runs.bench import Bench
from sfsync.runs.memory import LedgerMemory
from sfsync.sides.side import TEXT


@dataclass
class Life:
    """The life of one record: what each side holds, what was agreed, what was written, what comes next."""

    mapping: str
    key: str
    presence: str
    salesforce_id: str | None
    state: str | None
    fields: list[dict[str, str]] = field(default_factory=list)
    issues: list[dict[str, str]] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    next_steps: list[dict[str, str]] = field(default_factory=list)
    writes: list[dict[str, Any]] = field(default_factory=list)


def explain(bench: Bench, name: str, key: str, *, show_values: bool = False) -> Life:
    """Reads the record on both sides and says what the next run would do with it, and why."""
    mapping = bench.chosen([name])[name]
    bench.salesforce.prepare(list(bench.mappings.values()))
    draft, piece, known = _decide(bench, mapping, key)
    a = draft.aligned
    if not (a.p_here[0] or a.s_here[0] or a.s_gone[0] or a.known[0]):
        raise ConfigError(
            "neither side nor the ledger knows this record",
            "RECORD_UNKNOWN",
            f"{name} {key}",
            "Check the key; it is the external id.",
        )
    life = Life(name, key, Presence(draft.presence[0]).name.lower(), known.ids.iat[0], known.state.iat[0])
    life.fields = [_cell(draft, column, show_values) for column in range(len(mapping.columns))]
    life.issues = piece.issues[["status", "code", "field", "waits_mapping", "waits_key"]].fillna("").to_dict("records")
    life.conflicts = inbox.of_record(bench, mapping, key)
    life.next_steps = _next(mapping, piece.changes, show_values)
    life.writes = history.of_record(bench.ledger, name, key)
    for value in ("salesforce_id", "state"):
        if pd.isna(getattr(life, value)):
            setattr(life, value, None)
    return life


def _decide(bench: Bench, mapping: Mapping, key: str) -> tuple[Draft, Any, base.Base]:
    keys = pd.Index([key], dtype=TEXT, name="key")
    memory = LedgerMemory(bench.ledger, as_of=bench.as_of)
    known = base.read(bench.ledger, mapping.name, mapping.columns, keys).align(keys)
    ids = known.ids.dropna()
    salesforce = bench.salesforce.fetch(mapping, keys, ids if len(ids) else None)
    platform = bench.platform.fetch(mapping, keys)
    digest = bench.ledger.digest.bound(mapping)
    recall = memory.recall(mapping, keys)
    draft = merge(mapping, platform, salesforce, recall, keys, digest)
    links = Links(memory, lambda names: set(bench.salesforce.users(names)))
    return draft, segment(draft, recall, links, Sizes(), digest), known


def _cell(draft: Draft, column: int, show_values: bool) -> dict[str, str]:
    a = draft.aligned
    spec = a.mapping.synced[column]
    masked = spec.pii != "none" and not show_values
    b, p, s = (matrix[0, column] for matrix in (a.b, a.p, a.s))
    return {
        "field": spec.name,
        "owner": spec.owner.value,
        "platform": shown(a.platform.iat[0, column], masked) if p else _unseen(draft, spec.name),
        "salesforce": shown(a.salesforce.iat[0, column], masked) if s else "not observed",
        "base": _base_word(b, p, s),
        "verdict": Verdict(draft.verdicts[0, column]).name.lower(),
        "action": Action(draft.actions[0, column]).name.lower(),
    }


def _unseen(draft: Draft, name: str) -> str:
    """Why the platform's value is not there to be looked at: it cannot be used, or was not delivered."""
    wrong = draft.problems[draft.problems["key"].isin(draft.aligned.keys)]
    wrong = wrong[wrong["field"].fillna("").isin([name, ""])]
    return f"refused ({wrong['code'].iloc[0]})" if len(wrong) else "not observed"


def _base_word(b: np.uint64, p: np.uint64, s: np.uint64) -> str:
    """The base is a digest: it can only say which side still holds the agreed value."""
    if not b:
        return "never agreed"
    holders = [name for name, value in (("platform", p), ("salesforce", s)) if value == b]
    return " = ".join(["base", *holders]) if holders else "neither"


def _next(mapping: Mapping, changes: Any, show_values: bool) -> list[dict[str, str]]:
    steps = []
    fields = mapping.synced
    for row, column in zip(*np.nonzero(changes.touched), strict=True):
        spec, info = fields[column], changes.rows.iloc[row]
        masked = spec.pii != "none" and not show_values
        steps.append(
            {
                "side": info["side"],
                "kind": info["kind"],
                "field": spec.name,
                "change": " → ".join(shown(f.iat[row, column], masked) for f in (changes.before, changes.after)),
                "because": because(int(changes.cause[row, column]), spec, info["side"]),
            }
        )
    return steps
