"""Who wins: one table, ``owner x verdict -> action``, and the three rules that look at values.

This table is the product. One-way mirrors, drift repair and consents are rows of it, not other code.

===========  ========  =============  =============  ===========  =============
owner        agree     to_salesforce  to_platform    conflict     first_meeting
===========  ========  =============  =============  ===========  =============
platform     base      salesforce     salesforce     salesforce   salesforce
salesforce   base      platform       platform       platform     platform, or the seed if Salesforce says nothing
newest       base      salesforce     platform       rule         rule
earliest     base      rule           rule           rule         rule
stricter     base      rule           rule           rule         rule
manual       base      salesforce     platform       ask          ask
computed     nothing   nothing        nothing        nothing      nothing
===========  ========  =============  =============  ===========  =============

``same`` and ``not_observed`` are never an action. *salesforce* means: write the platform's value to Salesforce.
The stricter value wins whatever its age (domain model B.1): even a one-sided relaxation is undone, because digests
cannot see an opt-out that was lifted and given again between two runs.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TypeAlias

import numpy as np
import pandas as pd

from sfsync.mapping.model import FieldSpec, Owner
from sfsync.merge.align import Aligned
from sfsync.merge.verdict import Verdict


class Action(IntEnum):
    """What to do with one cell."""

    NOTHING = 0
    BASE = 1  # both sides agree: remember it
    SALESFORCE = 2  # write the platform's value to Salesforce
    PLATFORM = 3  # write Salesforce's value to the platform
    ASK = 4  # a person decides
    RULE = 5  # look at the values (resolved before anyone sees it)


_VERDICTS = (Verdict.AGREE, Verdict.TO_SALESFORCE, Verdict.TO_PLATFORM, Verdict.CONFLICT, Verdict.FIRST_MEETING)
_N, _B, _S, _P, _A, _R = Action
_TABLE: dict[Owner, tuple[Action, ...]] = {
    Owner.PLATFORM: (_B, _S, _S, _S, _S),
    Owner.SALESFORCE: (_B, _P, _P, _P, _R),
    Owner.NEWEST: (_B, _S, _P, _R, _R),
    Owner.EARLIEST: (_B, _R, _R, _R, _R),
    Owner.STRICTER: (_B, _R, _R, _R, _R),
    Owner.MANUAL: (_B, _S, _P, _A, _A),
    Owner.COMPUTED: (_N, _N, _N, _N, _N),
}


def cells(a: Aligned, verdicts: np.ndarray, decisions: np.ndarray, touched_by_intent: np.ndarray) -> np.ndarray:
    """Actions (int8, n x f).

    ``decisions`` int8 n x f: what a person (or an accepted difference) said for exactly these values: 0 nothing,
    else an ``Action`` (``BASE`` = leave both as they are). ``touched_by_intent`` bool n x f: the cell was in a batch
    whose outcome is not known; a conflict there cannot be told apart by machine and waits for a person.
    """
    actions = np.zeros(verdicts.shape, np.int8)
    for column, field in enumerate(a.mapping.synced):
        actions[:, column] = _column(a, field, column, verdicts[:, column])
    actions[(verdicts == Verdict.CONFLICT) & touched_by_intent & _may_ask(a)] = Action.ASK
    said = (decisions != 0) & ~np.isin(verdicts, (Verdict.SAME, Verdict.AGREE, Verdict.NOT_OBSERVED))
    actions[said] = np.where(decisions == Action.BASE, Action.NOTHING, decisions)[said]
    return actions


def _may_ask(a: Aligned) -> np.ndarray:
    """Never of an opt-out (bool, 1 x f): the stricter value is right whatever became of the batch, and cannot wait."""
    return np.array([[f.owner is not Owner.STRICTER for f in a.mapping.synced]])


def answered(actions: np.ndarray, ruled: np.ndarray, touched_by_intent: np.ndarray) -> np.ndarray:
    """Actions (int8, n x f) in which standing rules and deadlines answer for the person who would be asked.

    ``ruled`` int8 n x f: 0 nothing, else an ``Action`` as ``decisions`` of ``cells``. A conflict in doubt is never
    answered by machine.
    """
    answer = (actions == Action.ASK) & (ruled != 0) & ~touched_by_intent
    return np.where(answer, np.where(ruled == Action.BASE, Action.NOTHING, ruled), actions).astype(np.int8)


def _column(a: Aligned, field: FieldSpec, column: int, verdicts: np.ndarray) -> np.ndarray:
    lookup = np.zeros(len(Verdict), np.int8)
    lookup[list(_VERDICTS)] = _TABLE[field.owner]
    actions = lookup[verdicts]
    open_ = actions == Action.RULE
    if open_.any():
        p, s = a.platform.iloc[:, column], a.salesforce.iloc[:, column]
        actions[open_] = _RULES[field.owner](a, field, p, s)[open_]
    return actions


def _newest(a: Aligned, field: FieldSpec, p: pd.Series, s: pd.Series) -> np.ndarray:
    """The later change wins; ties and unknown times go to the platform; a value beats a null nobody ever agreed on."""
    p_time = a.p_meta.get(f"changed_at.{field.name}", a.p_meta["stamp"])
    s_later = (a.s_meta["stamp"] > p_time).fillna(False).to_numpy(bool) & p_time.notna().to_numpy(bool)
    actions = np.where(s_later, Action.PLATFORM, Action.SALESFORCE)
    never_agreed = a.b[:, a.mapping.columns.index(field.name)] == 0
    actions[never_agreed & p.isna().to_numpy(bool)] = Action.PLATFORM
    actions[never_agreed & s.isna().to_numpy(bool)] = Action.SALESFORCE
    return actions


def _earliest(a: Aligned, field: FieldSpec, p: pd.Series, s: pd.Series) -> np.ndarray:
    """The earlier instant wins; a value beats null (a first response, once given, cannot come later)."""
    p_first = ((p <= s) | s.isna()).fillna(False).to_numpy(bool)
    return np.where(p_first, Action.SALESFORCE, Action.PLATFORM)


def _stricter(a: Aligned, field: FieldSpec, p: pd.Series, s: pd.Series) -> np.ndarray:
    """The stricter boolean wins on both sides; null is not a statement."""
    strict = "true" if field.stricter else "false"
    p_wins = (p == strict).fillna(False).to_numpy(bool) | s.isna().to_numpy(bool)
    return np.where(p_wins, Action.SALESFORCE, Action.PLATFORM)


def _seed(a: Aligned, field: FieldSpec, p: pd.Series, s: pd.Series) -> np.ndarray:
    """First meeting of a Salesforce-owned value: its own, unless it says nothing; then the platform may seed it."""
    silent = Action.SALESFORCE if field.seed else Action.NOTHING
    return np.where(s.isna().to_numpy(bool), silent, Action.PLATFORM)


_Rule: TypeAlias = "Callable[[Aligned, FieldSpec, pd.Series, pd.Series], np.ndarray]"
_RULES: dict[Owner, _Rule] = {
    Owner.NEWEST: _newest,
    Owner.EARLIEST: _earliest,
    Owner.STRICTER: _stricter,
    Owner.SALESFORCE: _seed,
}
