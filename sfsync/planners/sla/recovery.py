"""Service recovery: what is proposed when a promise was broken or something went wrong (policy C.10). Pure.

A proposal is made once per case, event and episode, and a person decides. What can be blocked is told apart here; who
is blocked is for whoever knows the player.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.policy import PLAY, Policy, RecoverySpec
from sfsync.planners.sla.trace import Trace, micros
from sfsync.planners.sla.words import MIT, NONE, P1, PARTNER, RES, TIERS

PREFIX = "recovery-"
BREACHES = ("p1_breach", "partner_p1_breach")
LATE = 24 * 3600 * 1_000_000  # a case resolved longer ago than that is not looked through for what to make good
CLOSED = ("closed", "blocked", "suspended")  # account states in which nobody is given play
STATES = ("proposed", "approved", "refused", "terms_written", "delivered", "confirmed", "failed")
NEXT = {
    "proposed": ("approved", "refused"),
    "approved": ("terms_written",),
    "terms_written": ("delivered", "failed"),
    "delivered": ("confirmed", "failed"),
}


def due(
    trace: Trace, result: Result, policy: Policy, figures: Figures, history: pd.DataFrame, as_of: int
) -> pd.DataFrame:
    """What calls for a recovery: frame case (position), event, at (int64 µs UTC), offer, instead (null: none).

    ``history``: frame id, at, field, new of the cases. Cases of compliance are left out: nothing leaves of them.
    """
    able = _able(trace, result, figures, as_of)
    parts = [_part(event, spec, trace, result, policy, history, able, as_of) for event, spec in policy.recovery.items()]
    empty = pd.DataFrame({"case": np.zeros(0, np.int64), "event": [], "at": np.zeros(0, np.int64), "offer": []})
    return pd.concat([empty.assign(instead=[]), *parts], ignore_index=True)


def blocked(people: pd.DataFrame) -> np.ndarray:
    """bool n: play is no gift to them. Frame of text: bonus_blocked, contact_suppressed (``true``), account_status.

    The platform raises these flags for whoever is excluded, cooling off, under a measure, or a minor; why stays there.
    """
    flags = (people[["bonus_blocked", "contact_suppressed"]] == "true").fillna(False).any(axis=1)
    found: np.ndarray = (flags | people["account_status"].isin(CLOSED)).to_numpy(bool)
    return found


def _able(trace: Trace, result: Result, figures: Figures, as_of: int) -> np.ndarray:
    """bool n: not over for long, and not under compliance."""
    alive = result.open | ((result.resolved_at != NONE) & (as_of - result.resolved_at <= LATE))
    held = trace.rows["hold"].fillna(False).to_numpy(bool) | figures.hold[result.category]
    closed: np.ndarray = alive & ~held & ~figures.immune[result.path]
    return closed


def _part(
    event: str,
    spec: RecoverySpec,
    trace: Trace,
    result: Result,
    policy: Policy,
    history: pd.DataFrame,
    able: np.ndarray,
    as_of: int,
) -> pd.DataFrame:
    mine = able & np.isin(result.tier, [TIERS.index(t) for t in spec.tiers])
    if event in BREACHES:
        at = _breached(result)
        mine &= (result.tier == PARTNER) == (event == "partner_p1_breach")
    elif event == "lounge_wait":
        at = _waited(trace, result, policy, as_of)
    else:
        at = _classified(trace, event, result, policy, history)
    rows = np.flatnonzero(mine & (at != NONE))
    return pd.DataFrame({"case": rows, "event": event, "at": at[rows], "offer": spec.offer, "instead": spec.instead})


def _breached(result: Result) -> np.ndarray:
    """The first of MIT and RES that a P1 missed in this episode."""
    missed = result.breached[:, [MIT, RES]]
    missed = np.where(missed >= result.episode_at[:, None], missed, np.iinfo(np.int64).max).min(axis=1)
    found: np.ndarray = np.where((result.priority == P1) & (missed != np.iinfo(np.int64).max), missed, NONE)
    return found


def _classified(trace: Trace, event: str, result: Result, policy: Policy, history: pd.DataFrame) -> np.ndarray:
    """Since when the case is of the category that is the event: from its receipt on, or from a change."""
    if event not in policy.categories:
        return np.full(len(result), NONE)
    changes = history[(history["field"] == "Type") & (history["new"] == event)]
    last = changes.groupby("id")["at"].max().reindex(trace.rows["id"])
    at = np.where(last.isna().to_numpy(bool), trace.cases.t0, micros(last))
    return np.where(result.category == list(policy.categories).index(event), at, NONE)


def _waited(trace: Trace, result: Result, policy: Policy, as_of: int) -> np.ndarray:
    """When somebody in the VIP room had waited as long as he should at most."""
    limits = [_limit(policy, tier) for tier in TIERS]
    longest = np.array(limits, np.int64)[result.tier]
    queued, answered = micros(trace.rows["queued"]), micros(trace.rows["answered"])
    until = np.where(answered == NONE, as_of, np.minimum(answered, as_of))
    onsite = (trace.rows["channel"] == "onsite").to_numpy(bool) & (queued != NONE) & (longest > 0)
    since = np.where(onsite, queued, until)  # no instant is subtracted where there is none
    return np.where(onsite & (until - since > longest), since + longest, NONE)


def _limit(policy: Policy, tier: str) -> int:
    aux = policy.tier(tier).aux if tier in policy.tiers else {}
    return aux["WAIT_LOUNGE"].micros(0) if "WAIT_LOUNGE" in aux else 0


def is_play(offers: pd.Series) -> np.ndarray:
    """bool n: offers that are play."""
    found: np.ndarray = offers.isin(PLAY).to_numpy(bool)
    return found
