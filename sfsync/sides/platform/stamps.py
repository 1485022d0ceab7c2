"""Change stamps of whole columns as instants of one width."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping import layout, moments
from sfsync.sides.platform.tables import iso
from sfsync.sides.platform.tables import moments as parsed

FRACTION = len("2026-01-31 09:00:00.")
WIDTH = len("2026-01-31T09:00:00.000000Z")
_DATED = r"^\d{4}-\d\d-\d\d"


def iso_texts(stamps: pa.Array) -> pa.Array:
    """``2026-01-31T09:00:00.000000Z`` of any ISO form, UTC where no zone is named; null where it cannot be read."""
    sizes = layout.lengths(stamps)
    widths = np.unique(sizes[np.asarray(stamps.is_valid())]) if stamps.null_count else np.unique(sizes)
    if len(widths) <= 1:
        return _of_one_width(stamps)
    made = pa.nulls(len(stamps), pa.string())
    for width in widths:
        rows = sizes == width
        made = pc.replace_with_mask(made, rows, _of_one_width(stamps.filter(pa.array(rows))))
    return made


def _of_one_width(stamps: pa.Array) -> pa.Array:
    width = layout.longest(stamps)
    head = pc.utf8_slice_codeunits(stamps, 0, moments.MOMENT) if width > moments.MOMENT else stamps
    plain = moments.plain_instants(head) if width == moments.MOMENT or FRACTION < width <= WIDTH - 1 else None
    rows = layout.matrix(stamps, width)
    if plain is None or rows is None or not _is_fraction(rows[:, moments.MOMENT :]):
        return _general(stamps)
    made = np.full((len(rows), WIDTH), ord("0"), dtype="uint8")
    made[:, :width], made[:, moments.DAY], made[:, -1] = rows, ord("T"), ord("Z")
    made[:, moments.MOMENT] = ord(".")
    return layout.from_matrix(made, stamps)


def _is_fraction(rests: np.ndarray) -> bool:
    """True if every rest is a point and digits, or nothing."""
    return bool((rests[:, :1] == ord(".")).all() and ((rests[:, 1:] >= ord("0")) & (rests[:, 1:] <= ord("9"))).all())


def _general(stamps: pa.Array) -> pa.Array:
    dated = pc.if_else(pc.match_substring_regex(stamps, _DATED), stamps, pa.scalar(None, pa.string()))
    return pa.array(iso(parsed(dated.to_pylist())), pa.string())
