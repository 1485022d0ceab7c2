"""What happened: to one cell (two values and the base), and to one record (here or not, on either side)."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from sfsync.merge.align import Aligned


class Verdict(IntEnum):
    """What happened to one cell since both sides last agreed."""

    SAME = 0
    AGREE = 1
    TO_SALESFORCE = 2
    TO_PLATFORM = 3
    CONFLICT = 4
    FIRST_MEETING = 5
    NOT_OBSERVED = 6


class Presence(IntEnum):
    """What happened to one record: three bits (platform, salesforce, base) in words."""

    BOTH = 0
    NEW_ON_PLATFORM = 1
    NEW_IN_SALESFORCE = 2
    GONE_FROM_SALESFORCE = 3
    GONE_FROM_PLATFORM = 4
    GONE = 5


def cells(p: np.ndarray, s: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Verdicts (int8, n x f) from digests (uint64, n x f); 0 in p or s means the cell was not observed.

    ===============  ==============================================
    p = s = b        same
    p = s, b other   agree: the base is stale, nothing to write
    p != b, s = b    to_salesforce
    s != b, p = b    to_platform
    all different    conflict
    p != s, no base  first_meeting
    ===============  ==============================================
    """
    equal, p_moved, s_moved = p == s, p != b, s != b
    verdicts = np.where(p_moved & s_moved, Verdict.CONFLICT, Verdict.TO_PLATFORM).astype(np.int8)
    verdicts[p_moved & ~s_moved] = Verdict.TO_SALESFORCE
    verdicts[b == 0] = Verdict.FIRST_MEETING
    verdicts[equal] = Verdict.AGREE
    verdicts[equal & ~p_moved] = Verdict.SAME
    verdicts[(p == 0) | (s == 0)] = Verdict.NOT_OBSERVED
    return verdicts


def presence(a: Aligned) -> np.ndarray:
    """Presence verdicts (int8, n). A tombstone of a record nobody ever agreed on says nothing: the record is new."""
    found = np.full(len(a.keys), Presence.GONE, np.int8)
    found[a.p_here & a.s_here] = Presence.BOTH
    found[a.p_here & ~a.s_here & ~a.known] = Presence.NEW_ON_PLATFORM
    found[a.p_here & ~a.s_here & a.known] = Presence.GONE_FROM_SALESFORCE
    found[~a.p_here & a.s_here & ~a.known] = Presence.NEW_IN_SALESFORCE
    found[~a.p_here & a.s_here & a.known] = Presence.GONE_FROM_PLATFORM
    return found
