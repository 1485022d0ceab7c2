"""What people look at: the policy in words, a drill, another policy on the same history, figures of a period."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sfsync.errors import ConfigError
from sfsync.ledger import database
from sfsync.ledger import sla as memory
from sfsync.planners.sla import clocks, drill, editions, inputs, measures, walltime
from sfsync.planners.sla import policy as model
from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.editions import Waived
from sfsync.planners.sla.inputs import Cases
from sfsync.planners.sla.measures import Period
from sfsync.planners.sla.trace import Trace, trace
from sfsync.planners.sla.words import CLOCKS, NONE, NU, PRIORITIES, TIERS
from sfsync.planners.sync.make import Progress
from sfsync.runs.bench import Bench
from sfsync.runs.running import quiet
from sfsync.runs.sla_enforce import TOGETHER, policies_of
from sfsync.runs.sla_people import read
from sfsync.runs.sla_policy import policy_at
from sfsync.runs.sla_sweep import majeures
from sfsync.sides.salesforce import happened

QUARTER = timedelta(days=92)


# -- drills --


def play(bench: Bench, name: str) -> tuple[dict[str, Any], drill.Played]:
    """Plays a drill of the policy and keeps its result."""
    policy = policy_at(policies_of(bench), bench.as_of)
    if name not in policy.drills:
        known = ", ".join(policy.drills)
        raise ConfigError(f"the policy has no drill {name!r}", "SLA_DRILL", "mappings/sla.yaml", f"There are: {known}.")
    now = walltime.micros(bench.as_of)
    in_force = editions.known(editions.editions(policy), now)[-1].figures
    played = drill.play(policy.drills[name], in_force, now)
    kept = {
        "drill_id": f"D-{secrets.token_hex(4)}",
        "scenario": name,
        "policy_version": policy.policy_version,
        "at": database.text_of(bench.as_of),
        "actor": bench.actor,
        "passed": int(played.passed),
        "result": {"steps": played.steps, "faults": played.faults},
    }
    memory.keep_drill(bench.ledger, kept)
    return kept, played


def drills(bench: Bench) -> list[dict[str, Any]]:
    """Each drill of the policy, when it was last played, and whether a quarter has passed since."""
    policy, last = policy_at(policies_of(bench), bench.as_of), {}
    for one in reversed(memory.drills(bench.ledger)):
        last[one["scenario"]] = one
    return [
        {
            "drill": name,
            **spec.model_dump(),
            "last": last[name]["at"] if name in last else None,
            "passed": bool(last[name]["passed"]) if name in last else None,
            "due": name not in last or database.instant_of(last[name]["at"]) + QUARTER < bench.as_of,
        }
        for name, spec in policy.drills.items()
    ]


# -- history --


@dataclass(frozen=True)
class Difference:
    """What another policy would have changed: per clock and tier the counts of breaches, and the cases that differ."""

    cases: int
    table: pd.DataFrame  # tier, what, now, new
    differ: pd.DataFrame  # key, what, now, new


def simulate(bench: Bench, other: Path, since: timedelta, *, progress: Progress = quiet) -> Difference:
    """Cases received since then under the policy in force and under the last version of another file. Reads only.

    What was declared as force majeure holds under both.
    """
    policies = policy_at(policies_of(bench), bench.as_of), model.load(other)[-1]
    ours, theirs = (editions.editions(policy) for policy in policies)
    now = walltime.micros(bench.as_of)
    declared, tables, differ, count = majeures(bench), [], [], 0
    for told in _history(bench, bench.as_of - since, progress):
        traced, again = (trace(told, made[0].figures, now, declared) for made in (ours, theirs))
        pairs = ((traced, ours), (again, theirs))
        both = [editions.evaluate(t.cases, t.events, made, now)[0] for t, made in pairs]
        count += len(traced.rows)
        tables.append(_counts(both))
        differ.append(_differences(traced, both))
    table = pd.concat(tables).groupby(["tier", "what"], as_index=False).sum() if tables else _no_counts()
    return Difference(count, table, pd.concat(differ, ignore_index=True) if differ else _no_differences())


def _history(bench: Bench, since: datetime, progress: Progress) -> Iterator[happened.Happened]:
    ids = happened.received(bench.salesforce.queries, since, bench.as_of)
    for start in range(0, len(ids), TOGETHER):
        progress("case", "reading", start)
        yield read(bench, ids[start : start + TOGETHER])


def _counts(both: list[Result]) -> pd.DataFrame:
    rows = []
    for tier, name in enumerate(TIERS):
        masks = [r.tier == tier for r in both]
        if not masks[0].any():
            continue
        for c, clock in enumerate(CLOCKS):
            if c != NU:
                numbers = [int((r.breached[m, c] != NONE).sum()) for r, m in zip(both, masks, strict=True)]
                rows.append((name, f"{clock} breached", *numbers))
        for level in (2, 3, 4):
            rows.append(
                (
                    name,
                    f"reached L{level}",
                    *(int((r.level[m] >= level).sum()) for r, m in zip(both, masks, strict=True)),
                )
            )
    return pd.DataFrame(rows, columns=["tier", "what", "now", "new"])


def _no_counts() -> pd.DataFrame:
    return pd.DataFrame(columns=["tier", "what", "now", "new"])


def _no_differences() -> pd.DataFrame:
    return pd.DataFrame(columns=["key", "what", "now", "new"])


def _differences(traced: Trace, both: list[Result]) -> pd.DataFrame:
    parts, keys = [], traced.rows["key"].to_numpy(object)
    for c, clock in enumerate(CLOCKS):
        if c == NU:
            continue
        old, new = both[0].breached[:, c], both[1].breached[:, c]
        rows = np.flatnonzero(old != new)
        parts.append(_different(keys[rows], f"{clock} breached", walltime.texts(old[rows]), walltime.texts(new[rows])))
    rows = np.flatnonzero(both[0].level != both[1].level)
    parts.append(_different(keys[rows], "level", both[0].level[rows].tolist(), both[1].level[rows].tolist()))
    rows = np.flatnonzero(both[0].priority != both[1].priority)
    words = [[PRIORITIES[p] for p in r.priority[rows]] for r in both]
    parts.append(_different(keys[rows], "priority", *words))
    return pd.concat(parts, ignore_index=True)


def _different(keys: Any, what: str, now: Any, new: Any) -> pd.DataFrame:
    return pd.DataFrame({"key": keys, "what": what, "now": list(now), "new": list(new)}, dtype=object)


# -- figures of a period --


@dataclass(frozen=True)
class Report:
    """Figures of a period; see ``planners.sla.measures``."""

    cases: int
    shares: pd.DataFrame
    responses: pd.DataFrame


def report(bench: Bench, start: datetime, end: datetime, by: str | None, *, progress: Progress = quiet) -> Report:
    """Clocks of all cases that were open in the period, as they stood at its end (or now). Reads only.

    Where force majeure was declared until then, the figures have a second line without it.
    """
    made = editions.editions(policy_at(policies_of(bench), min(end, bench.as_of)))
    known, late = made[0].figures, list[Waived]()
    at = walltime.micros(min(end, bench.as_of))
    period = Period(walltime.micros(start), walltime.micros(end))
    ids = happened.alive(bench.salesforce.queries, start, min(end, bench.as_of))
    declared = [m for m in majeures(bench) if m.since <= at]
    scopes = [declared, []] if declared else [declared]  # as it is, and had nothing been declared
    cases: list[Cases] = []
    hushed: list[np.ndarray] = []
    results: list[list[Result]] = [[] for _ in scopes]
    for first in range(0, len(ids), TOGETHER):
        progress("case", "reading", first)
        told = read(bench, ids[first : first + TOGETHER])
        told = told.of(told.cases["id"][~told.cases["cancelled_as"].isin(measures.LEFT_OUT)])
        for found, scope in zip(results, scopes, strict=True):
            traced = trace(told, known, at, scope)
            result, waived = editions.evaluate(traced.cases, traced.events, made, at)
            found.append(result)
            late += [waived] if scope is declared else []
        cases.append(traced.cases)
        hushed.append(traced.rows["quiet"].to_numpy(bool))
    if not cases:
        return Report(0, pd.DataFrame(), pd.DataFrame())
    whole, (result, *second) = inputs.joined(cases), [clocks.joined(found) for found in results]
    gone = editions.joined(late).at if len(editions.known(made, at)) > 1 else None
    undeclared, hush = next(iter(second), None), np.concatenate(hushed)
    shares = measures.measures(whole, result, known, period, by, undeclared, hush, gone)
    return Report(len(whole), shares, measures.first_responses(whole, result, known, period))
