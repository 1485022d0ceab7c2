"""Days and moments written in full, all in one width: checked and rewritten as matrices of digits."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sfsync.mapping import layout

DAY, MOMENT = len("2026-01-31"), len("2026-01-31 09:00:00")
_PER_MONTH = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def are_days(values: pa.Array) -> bool:
    """True if every value is a real day as ``YYYY-MM-DD``; False says nothing."""
    rows = layout.matrix(values, DAY)
    return rows is not None and _real_days(rows)


def plain_instants(values: pa.Array) -> pa.Array | None:
    """``YYYY-MM-DD HH:MM:SS`` (or with ``T`` between, or a ``Z`` behind) as ``YYYY-MM-DDTHH:MM:SSZ``.

    None unless every value is a real moment in one of these forms, all of one width.
    """
    rows = layout.matrix(values, MOMENT)
    if rows is None:
        rows = layout.matrix(values, MOMENT + 1)
        if rows is None or not (rows[:, MOMENT] == ord("Z")).all():
            return None
    if not (_real_days(rows) and _real_times(rows)):
        return None
    made = np.empty((len(rows), MOMENT + 1), dtype="uint8")
    made[:, :MOMENT] = rows[:, :MOMENT]
    made[:, DAY], made[:, MOMENT] = ord("T"), ord("Z")
    return layout.from_matrix(made, values)


def _real_days(rows: np.ndarray) -> bool:
    digits = rows[:, [0, 1, 2, 3, 5, 6, 8, 9]] - np.uint8(ord("0"))  # what is no digit becomes greater than 9
    if (digits > 9).any() or not (rows[:, [4, 7]] == ord("-")).all():
        return False
    year = digits[:, 0] * np.int32(1000) + digits[:, 1] * np.int32(100) + digits[:, 2] * np.int32(10) + digits[:, 3]
    month, day = digits[:, 4] * 10 + digits[:, 5], digits[:, 6] * 10 + digits[:, 7]
    if (month < 1).any() or (month > 12).any() or (year < 1).any():
        return False
    leap = (month == 2) & (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return bool((day >= 1).all() and (day <= np.array(_PER_MONTH, dtype="uint8")[month] + leap).all())


def _real_times(rows: np.ndarray) -> bool:
    digits = rows[:, [11, 12, 14, 15, 17, 18]] - np.uint8(ord("0"))
    if (digits > 9).any() or not (rows[:, [13, 16]] == ord(":")).all():
        return False
    if not np.isin(rows[:, DAY], (ord("T"), ord(" "))).all():
        return False
    # Second 60 is left to the general way.
    return bool(all((digits[:, i] * 10 + digits[:, i + 1] < most).all() for i, most in ((0, 24), (2, 60), (4, 60))))
