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


def _judged(p_is_s: bool, p_is_b: bool, s_is_b: bool, agreed: bool, seen: bool) -> Verdict:
    """The verdict on one cell from what can be said of its three values."""
    if not seen:
        return Verdict.NOT_OBSERVED
    if p_is_s:
        return Verdict.SAME if p_is_b else Verdict.AGREE
    if not agreed:
        return Verdict.FIRST_MEETING
    if p_is_b:
        return Verdict.TO_PLATFORM
    return Verdict.TO_SALESFORCE if s_is_b else Verdict.CONFLICT


_SAYINGS = 5  # of the three values of a cell, one bit each
_TABLE = bytes(_judged(*(bool(code >> i & 1) for i in range(_SAYINGS))) for code in range(1 << _SAYINGS))
_AT_ONCE = 1 << 16  # cells: what is at work fits into the processor's cache


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

    20 million cells take about a tenth of a second.
    """
    verdicts = np.empty(p.shape, np.int8)
    rows = max(_AT_ONCE // max(p.shape[1], 1), 1)
    for start in range(0, len(p), rows):
        some = slice(start, start + rows)
        _judge(p[some], s[some], b[some], verdicts[some])
    return verdicts


def _judge(p: np.ndarray, s: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    seen = (p != 0) & (s != 0)
    code = np.zeros(p.shape, np.uint8)
    for bit, said in enumerate((p == s, p == b, s == b, b != 0, seen)):
        code |= said.view(np.uint8) << np.uint8(bit)
    table = np.frombuffer(_TABLE, np.int8)
    np.take(table, code, out=out, mode="clip")  # clip: without it numpy fills a buffer of its own first


def presence(a: Aligned) -> np.ndarray:
    """Presence verdicts (int8, n). A tombstone of a record nobody ever agreed on says nothing: the record is new."""
    found = np.full(len(a.keys), Presence.GONE, np.int8)
    found[a.p_here & a.s_here] = Presence.BOTH
    found[a.p_here & ~a.s_here & ~a.known] = Presence.NEW_ON_PLATFORM
    found[a.p_here & ~a.s_here & a.known] = Presence.GONE_FROM_SALESFORCE
    found[~a.p_here & a.s_here & ~a.known] = Presence.NEW_IN_SALESFORCE
    found[~a.p_here & a.s_here & a.known] = Presence.GONE_FROM_PLATFORM
    return found
