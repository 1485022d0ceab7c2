"""Holidays and closures that became known late: clocks by what was known when (policy C.2, rule 6; C.6). Pure.

Each instant at which a day became known begins a new edition of the figures. What had ended by then stays as it was
under the figures before; what was still running is computed anew, as if the day had been known all along. A breach that
disappears by that is waived: it is kept beside the clocks, never erased. The level never falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from typing import Any

import numpy as np

from sfsync.planners.sla import clocks, walltime
from sfsync.planners.sla import figures as compiled
from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.inputs import Cases, Events
from sfsync.planners.sla.policy import Policy
from sfsync.planners.sla.words import CLOCKS, FR, MIT, NONE, NU, P2, PIR, PREALERT, RES, State

NOT_WAIVED = -1
_OF_A_CLOCK = ("state", "due", "stopped", "breached", "warn_at", "critical_at")


@dataclass(frozen=True)
class Edition:
    """Figures as they are known from an instant on (microseconds UTC; ``NONE``: from the beginning), and why."""

    known_from: int
    figures: Figures
    reason: str = ""


@dataclass(frozen=True)
class Waived:
    """Breaches of n cases that a late day undid, n x 5 each, in the order of ``CLOCKS``.

    at       int64, microseconds UTC: the due that was missed under the figures before; ``NONE``: none was waived
    by       int8, number of the edition that waived it, ``NOT_WAIVED`` where none did
    episode  int32, the episode in which it was waived
    """

    at: np.ndarray
    by: np.ndarray
    episode: np.ndarray

    @classmethod
    def nothing(cls, count: int) -> Waived:
        """No breach of so many cases."""
        shape = (count, len(CLOCKS))
        return cls(np.full(shape, NONE), np.full(shape, NOT_WAIVED, np.int8), np.zeros(shape, np.int32))

    def with_more(self, gone: np.ndarray, old: Result, edition: int) -> Waived:
        """With those of another edition (``gone``: bool n x 5); the first that was waived on a clock stays."""
        new = gone & (self.at == NONE)
        episode = np.broadcast_to(old.episode[:, None], new.shape)
        return Waived(
            np.where(new, old.breached, self.at),
            np.where(new, edition, self.by).astype(np.int8),
            np.where(new, episode, self.episode).astype(np.int32),
        )


def editions(policy: Policy) -> tuple[Edition, ...]:
    """The figures without late days, then those with all that were known from each instant on, in order."""
    first = compiled.figures(policy)
    made = [Edition(NONE, first)]
    for at in sorted({late.known_from for late in policy.late_holidays}):
        known = [late for late in policy.late_holidays if late.known_from <= at]
        reasons = sorted({late.reason for late in known if late.known_from == at})
        figures = replace(first, calendars=compiled.calendars(policy, known))
        made.append(Edition(walltime.micros(at), figures, "; ".join(reasons)))
    return tuple(made)


def known(made: Sequence[Edition], as_of: int) -> Sequence[Edition]:
    """Those that are known at an instant (microseconds UTC); the last of them is in force."""
    return [edition for edition in made if edition.known_from <= as_of]


def digest(policies: Sequence[Policy], as_of: int) -> str:
    """Text that changes when a late day comes, goes, or becomes known; empty where none is known."""
    days = [
        f"{policy.policy_version} {late.day} {late.calendar} {at}"
        for policy in policies
        for late in policy.late_holidays
        if (at := walltime.micros(late.known_from)) <= as_of
    ]
    return sha256("\n".join(sorted(days)).encode()).hexdigest() if days else ""


def evaluate(cases: Cases, events: Events, made: Sequence[Edition], as_of: int) -> tuple[Result, Waived]:
    """All clocks of all cases at ``as_of``, and the breaches waived; without late days what ``clocks.evaluate`` says.

    ``made``: as ``editions`` gives them; those not known at ``as_of`` count for nothing. Three evaluations where a day
    became known while a case was there, one where none did.
    """
    skipped = _before_all(cases, known(made, as_of))
    first, *late = known(made, as_of)[skipped:]
    waived, final = Waived.nothing(len(cases)), np.zeros((len(cases), len(CLOCKS)), bool)
    result = clocks.evaluate(cases, events, first.figures, late[0].known_from if late else as_of)
    for number, edition in enumerate(late, 1):
        then = late[number].known_from if number < len(late) else as_of
        at_once = clocks.evaluate(cases, events, edition.figures, edition.known_from)
        there = cases.t0 < edition.known_from
        waived = waived.with_more(there[:, None] & _gone(result, at_once) & ~final, result, skipped + number)
        new = clocks.evaluate(cases, events, edition.figures, then)
        same = _same(result, at_once, new, there)
        final = _final(result, new, there, same, final)
        result = _merged(result, new, there, same, final)
    return result, waived


def _before_all(cases: Cases, made: Sequence[Edition]) -> int:
    """How many editions were over before any of the cases began."""
    begun = int(cases.t0.min()) if len(cases) else 0
    return max(sum(edition.known_from <= begun for edition in made) - 1, 0)


def joined(parts: Sequence[Waived]) -> Waived:
    """Several as one, in their order."""
    return Waived(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Waived)))


def waivers(waived: Waived, made: Sequence[Edition]) -> dict[int, dict[str, dict[str, Any]]]:
    """By case (position) and clock: ``at``, the due whose breach was waived, and ``reason``."""
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for case, clock in zip(*np.nonzero(waived.at != NONE), strict=True):
        about = {"at": walltime.text(int(waived.at[case, clock])), "reason": made[waived.by[case, clock]].reason}
        found.setdefault(int(case), {})[CLOCKS[clock]] = about
    return found


def _gone(old: Result, new: Result) -> np.ndarray:
    """bool n x 5: missed under the old figures, not ended, and not missed under the new ones; both at one instant."""
    gone = (old.breached != NONE) & (new.breached == NONE)
    fewer = new.updates_missed < old.updates_missed  # each missed update is a breach of its own; the last is shown
    gone[:, NU] |= (old.breached[:, NU] != NONE) & fewer
    closed: np.ndarray = gone & ~_ended(old)
    return closed


def _ended(r: Result) -> np.ndarray:
    """bool n x 5: clocks that do not run and are not paused: completed, cancelled, or not asked for."""
    over = (r.stopped != NONE) | (r.state == State.CANCELLED)
    over |= (~r.open & (r.resolved_at == NONE))[:, None]  # the case is cancelled; a breach hides the state
    over[:, NU] |= ~r.open
    over[:, MIT] |= r.priority > P2
    over[:, PIR] |= r.open
    return over


def _same(old: Result, at_once: Result, new: Result, there: np.ndarray) -> np.ndarray:
    """bool n x 5: clocks that had ended when the edition began (``at_once``), and to which nothing happened since."""
    same = there[:, None] & _ended(old)
    for name in ("state", "due", "stopped", "breached"):
        same &= getattr(at_once, name) == getattr(new, name)
    return same


def _final(old: Result, new: Result, there: np.ndarray, same: np.ndarray, final: np.ndarray) -> np.ndarray:
    """bool n x 5: missed when the clock ended, so missed for good though the case was reopened since.

    A report is asked for anew at each resolution.
    """
    missed = final | (there[:, None] & _ended(old) & ~same & (old.breached != NONE))
    missed[:, PIR] &= old.resolved_at == new.resolved_at
    return missed


def _merged(old: Result, new: Result, there: np.ndarray, same: np.ndarray, final: np.ndarray) -> Result:
    """``new`` with what stays of ``old``, for the cases that were ``there`` when the edition began."""
    columns = {**vars(new), **_clocks(old, new, same, final), **_level(old, new, there)}
    columns["warnings"] = np.where(there, old.warnings | new.warnings, new.warnings)
    return Result(**columns)


def _clocks(old: Result, new: Result, same: np.ndarray, final: np.ndarray) -> dict[str, np.ndarray]:
    columns = {n: np.where(same, getattr(old, n), getattr(new, n)) for n in _OF_A_CLOCK}
    missed = final & ~same
    last = np.maximum(old.breached, new.breached)  # of updates the last one missed is shown; NONE is the least
    columns["breached"][:, NU] = np.where(missed[:, NU], last[:, NU], columns["breached"][:, NU])
    for clock in (FR, MIT, RES, PIR):
        mine = missed[:, clock]
        columns["breached"][mine, clock] = old.breached[mine, clock]
        columns["state"][mine, clock] = State.BREACHED
        columns["warn_at"][mine, clock] = columns["critical_at"][mine, clock] = NONE
    return columns


def _level(old: Result, new: Result, there: np.ndarray) -> dict[str, np.ndarray]:
    """The higher level; rungs reached before stay reached, with their instants, within their episode (rule E2)."""
    higher = there & (old.level >= new.level)
    columns = {n: np.where(higher, getattr(old, n), getattr(new, n)) for n in ("level", "level_at", "level_reason")}
    kept = old.reached & (there & (old.episode == new.episode))[:, None]
    columns["reached"] = new.reached | kept
    columns["rungs"] = np.where(kept, old.rungs, new.rungs)
    columns["rung_reason"] = np.where(kept, old.rung_reason, new.rung_reason)
    late = ~columns["reached"][:, PREALERT] & (columns["level"] > 1)  # nobody is warned of what has come
    columns["rungs"][late, PREALERT] = NONE
    return columns
