"""The clocks of given timelines, and those of one case with the way to each due date."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sfsync.errors import ConfigError, Exit
from sfsync.planners.sla import editions, gates, shown, timeline, walltime
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.policy import Policy
from sfsync.planners.sla.story import story
from sfsync.planners.sla.trace import trace
from sfsync.runs.bench import Bench
from sfsync.runs.sla_enforce import policies_of
from sfsync.runs.sla_people import read
from sfsync.runs.sla_policy import policies, policy_at
from sfsync.runs.sla_sweep import majeures
from sfsync.runs.sla_words import heard
from sfsync.sides.salesforce import happened, soql
from sfsync.sides.salesforce.ids import is_id


@dataclass(frozen=True)
class Explained:
    """One answer per timeline, in the order given; ``refused`` of them could not be read and say why."""

    answers: list[dict[str, Any]]
    refused: int
    figures: Figures

    @property
    def exit(self) -> Exit:
        """3 where a timeline was refused."""
        return Exit.REFUSED_ROWS if self.refused else Exit.DONE


def timelines(config: Path | None, file: Path, as_of: datetime) -> Explained:
    """The clocks at ``as_of`` of the timelines in a JSON file (a list; docs/reference/commands). Reads only."""
    first, *late = editions.editions(policy_at(policies(config), as_of))
    answers = timeline.explain(_read(file), first.figures, as_of, late)
    return Explained(answers, sum("error" in a for a in answers), first.figures)


def _read(file: Path) -> list[Any]:
    step = "Give a list of {id, tier, priority, channel, category, t0, events} as UTF-8 JSON."
    try:
        found = json.loads(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"it cannot be read ({error.strerror})", "TIMELINE_UNREADABLE", str(file), step) from None
    except (ValueError, RecursionError):
        raise ConfigError("this is not JSON", "TIMELINE_UNREADABLE", str(file), step) from None
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        raise ConfigError("this is not a list of timelines", "TIMELINE_UNREADABLE", str(file), step)
    return found


def case(bench: Bench, name: str, *, live: bool = False) -> dict[str, Any]:
    """One case of the org, by source key, case number or record id: its clocks, and the time line that led to them.

    Keys: id, case, as_of, policy_version, tier, priority, path, level, clocks, ladder, warnings, to_close (what is
    missing before it is closed), steps. Reads only;
    raises ``ConfigError`` CASE_UNKNOWN, SLA_CASE (it does not fit the policy) or SLA_VERSION.
    """
    if live:
        bench.as_of = bench.salesforce.session.clock().replace(microsecond=0)
    now = walltime.micros(bench.as_of)
    told = read(bench, [_id_of(bench, name)])
    policy = _policy_of(bench, told)
    made = editions.editions(policy)
    known = made[0].figures
    traced = trace(heard(bench, told, known), known, now, majeures(bench))
    if len(traced.problems):
        code = str(traced.problems["code"].iloc[0])
        step = "Correct the field in Salesforce: tier, priority, status, origin or time of receipt."
        raise ConfigError(f"the case does not fit the policy ({code})", "SLA_CASE", name, step, [code])
    result, waived = editions.evaluate(traced.cases, traced.events, made, now)
    notes = [traced.warnings["code"].tolist()]
    [answer] = shown.told(result, known, notes, editions.waivers(waived, made))
    named = {"id": str(traced.rows["key"].iloc[0]), "case": str(traced.rows["number"].iloc[0])}
    steps = story(traced.cases, traced.events, made, now)
    moment = {"as_of": walltime.text(now), "policy_version": policy.policy_version}
    lacks = gates.missing(traced, result, policy, known, told.recoveries, now)
    to_close = gates.listed(*gates.words(lacks, np.arange(1)))
    return {**named, **moment, **answer, "to_close": to_close, "steps": steps}


def _id_of(bench: Bench, name: str) -> str:
    asked = [f"{f} = {soql.quote(name)}" for f in ("SFS_Source_Key__c", "CaseNumber")]
    asked += [f"Id = {soql.quote(name)}"] if is_id(name) and name.startswith(happened.CASE_PREFIX) else []
    number = name.removeprefix("SF-")  # born in Salesforce, and without a key so far
    asked += [f"CaseNumber = {soql.quote(number)}"] if number != name else []
    rows = bench.salesforce.query(soql.select(["Id"], "Case", " OR ".join(asked), "CreatedDate"))
    if not rows:
        step = "Name it by its source key, its case number or its record id."
        raise ConfigError("the org has no such case", "CASE_UNKNOWN", name, step)
    return str(rows[0]["Id"])


def _policy_of(bench: Bench, told: happened.Happened) -> Policy:
    """The version the case is written with; before it was looked at, the one in force when it reached us."""
    [row] = told.cases.to_dict("records")
    known = policies_of(bench)
    if not row["policy"]:
        begun = row["created"] if row["received"] is pd.NaT else row["received"]
        return policy_at(known, begun.to_pydatetime())
    named = [p for p in known if p.policy_version == row["policy"]]
    if not named:
        step = "Bring the version back into mappings/sla.yaml, or clear the field; the next sweep writes it anew."
        raise ConfigError(f"the policy has no version {row['policy']}", "SLA_VERSION", "SFS_Policy_Version__c", step)
    return named[0]
