"""What a sweep does beside the clocks: recoveries it proposes, closed cases it speaks up about, repeats it joins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfsync.planners.sla import gates, make, recovery, repeats, walltime
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.make import Sweep
from sfsync.planners.sla.policy import Policy
from sfsync.planners.sla.trace import micros
from sfsync.planners.sla.variant import PARENT, REASON, RECOVERY, REPEATS, STATUS
from sfsync.planners.sla.words import NONE, PARTNER
from sfsync.runs import sla_people
from sfsync.runs.bench import Bench
from sfsync.sides.salesforce import happened, soql
from sfsync.sides.salesforce.happened import DUPLICATE, Happened
from sfsync.sides.side import TEXT

Fired = set[tuple[str, int, str]]
CANCELLED = "Cancelled"


@dataclass(frozen=True)
class Deeds:
    """``rungs``: as those of a ``Sweep``; ``wanted``: columns beside its own; ``told``: frame id, key, code, field."""

    rungs: pd.DataFrame
    wanted: pd.DataFrame
    told: pd.DataFrame


def deeds(bench: Bench, swept: Sweep, policy: Policy, figures: Figures, found: Happened, fired: Fired) -> Deeds:
    """All of it for the cases of a sweep, at the sweep's instant (``bench.as_of``)."""
    as_of = walltime.micros(bench.as_of)
    offered = make.unfired(_offers(bench, swept, policy, figures, found, fired, as_of), fired)
    closed, told = _closed(swept, policy, figures, found, as_of)
    counted = _counted(swept)
    again = _repeats(swept, figures, counted, as_of)
    wanted = _joined(bench, swept, policy, figures, as_of)
    proposed = swept.trace.rows["id"].isin(offered["case_id"]) & swept.trace.rows["recovery"].isna()
    wanted[RECOVERY] = _text(["proposed" if p else None for p in proposed])
    wanted[REPEATS] = _text([str(n) if n else None for n in counted])
    rungs = pd.concat([offered, make.unfired(pd.concat([closed, again], ignore_index=True), fired)], ignore_index=True)
    return Deeds(rungs, wanted, told)


def _text(values: Sequence[str | None]) -> pd.Series:
    return pd.Series(values, dtype=object).astype(TEXT)


# -- recoveries --


def _offers(
    bench: Bench, swept: Sweep, policy: Policy, figures: Figures, found: Happened, fired: Fired, as_of: int
) -> pd.DataFrame:
    due = recovery.due(swept.trace, swept.result, policy, figures, found.history, as_of)
    due["id"] = swept.trace.rows["id"].to_numpy(object)[due["case"].to_numpy(np.int64)]
    due = due[~_known(due, swept, found, fired)].reset_index(drop=True)
    due["offer"] = _allowed(bench, due)
    due = due[due["offer"].notna()]
    rows = due["case"].to_numpy(np.int64)
    names = [recovery.PREFIX + event for event in due["event"]]
    at = due["at"].to_numpy(np.int64)
    return make.fires(swept.trace, swept.result, figures, rows, names, at, due["offer"].tolist()).assign(silent=False)


def _known(due: pd.DataFrame, swept: Sweep, found: Happened, fired: Fired) -> np.ndarray:
    """Told before, or in the org already: made by a sweep whose ledger is lost, or by a person."""
    episodes = swept.result.episode[due["case"].to_numpy(np.int64)].tolist()
    there = found.recoveries
    org = set(zip(there["id"], there["event"], there["episode"].fillna(0).astype(int), strict=True))
    keys = list(zip(due["id"], due["event"], episodes, strict=True))
    told = [(case, episode, recovery.PREFIX + event) in fired for case, event, episode in keys]
    return np.array([key in org for key in keys], bool) | np.array(told, bool)


def _allowed(bench: Bench, due: pd.DataFrame) -> pd.Series:
    """What is offered after all: something else where play is no gift, nothing to a shop that is overdue."""
    offer = due["offer"].astype(object)
    play = recovery.is_play(offer)
    if play.any():
        never = due["id"].isin(sla_people.without_play(bench, sorted(set(due["id"][play]))))
        offer = offer.mask(play & never.to_numpy(bool), due["instead"])
    gesture = (due["event"] == "partner_p1_breach").to_numpy(bool)
    if gesture.any():
        owes = due["id"].isin(sla_people.overdue(bench, sorted(set(due["id"][gesture]))))
        offer = offer.mask(gesture & owes.to_numpy(bool), None)
    return offer


# -- cases that were closed too early --


def _closed(
    swept: Sweep, policy: Policy, figures: Figures, found: Happened, as_of: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rungs, and what to say. A case that came closed from the platform was not closed by anybody here."""
    rows = swept.trace.rows
    lacks = gates.missing(swept.trace, swept.result, policy, figures, found.recoveries, as_of)
    mine = gates.closed(swept.trace, lacks)
    by_somebody = found.history[(found.history["field"] == "Status") & (found.history["new"] == "Closed")]["id"]
    mine = mine[rows["id"].iloc[mine].isin(by_somebody).to_numpy(bool)]
    lacking = gates.words(lacks, mine)
    at = _at(rows["closed"].iloc[mine], as_of)
    rungs = make.fires(swept.trace, swept.result, figures, mine, gates.RUNG, at, lacking).assign(silent=False)
    codes = [words.partition(",")[0] for words in lacking]
    told = rows.iloc[mine][["id", "key"]].assign(code=codes, field=lacking)
    return rungs, told


def _at(at: pd.Series, otherwise: int) -> np.ndarray:
    """int64 µs UTC; ``otherwise`` where there is none."""
    found = micros(at)
    return np.where(found == NONE, otherwise, found)


# -- repeat contacts --


def _counted(swept: Sweep) -> np.ndarray:
    """How many cases were cancelled as duplicates of each; 0 where that is not ours to count."""
    rows = swept.trace.rows
    ours = (swept.result.tier != PARTNER) & ~swept.held
    found: np.ndarray = np.where(ours, rows["duplicates"].to_numpy(np.int64), 0)
    return found


def _repeats(swept: Sweep, figures: Figures, counted: np.ndarray, as_of: int) -> pd.DataFrame:
    rows = np.flatnonzero((counted > 0) & swept.result.open)
    names = [f"{repeats.PREFIX}{n}" for n in counted[rows]]
    at = np.full(len(rows), as_of)
    return make.fires(swept.trace, swept.result, figures, rows, names, at, [str(n) for n in counted[rows]])


def _joined(bench: Bench, swept: Sweep, policy: Policy, figures: Figures, as_of: int) -> pd.DataFrame:
    """Columns status, reason and parent of cases that repeat an open one."""
    n = len(swept.trace.rows)
    wanted = pd.DataFrame({name: _text([None] * n) for name in (STATUS, REASON, PARENT)})
    window = policy.repeat_contact_window.micros(0)
    mine = repeats.candidates(swept.trace, swept.result, figures, window, as_of)
    if len(mine):
        accounts = sorted(set(swept.trace.rows["account"].iloc[mine]))
        same = repeats.found(swept.trace, mine, _open_cases(bench, accounts), window)
        rows = same["case"].to_numpy(np.int64)
        for name, value in ((STATUS, CANCELLED), (REASON, DUPLICATE), (PARENT, same["first"].to_numpy(object))):
            wanted.loc[rows, name] = value
    return wanted


def _open_cases(bench: Bench, accounts: list[str]) -> pd.DataFrame:
    open_now = "IsClosed = FALSE AND Status != 'Resolved'"
    asks = [
        soql.select(happened.OPEN, "Case", soql.all_of([clause, open_now]))
        for clause in soql.in_lists("AccountId", accounts, soql.URL_CHARS - 400)
    ]
    rows = [row for page in bench.salesforce.queries.all_pages(asks) for row in page.rows]
    return happened.open_cases(rows)
