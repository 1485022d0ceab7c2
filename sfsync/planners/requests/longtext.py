"""Texts of a file that do not fit into a case, whole: read once more for the few rows that have one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping.cells import as_mask, flat
from sfsync.planners.requests import cells
from sfsync.planners.requests.catalogue import Catalogue, fold
from sfsync.planners.requests.sheet import Sheet

NO_LIMIT = 2**31 - 1
CODE, DESCRIPTION = "W-LEN", "description"
_WORDS = ("request_type", "priority")  # of a list; nothing is kept of them


def whole(sheet: Sheet, catalogue: Catalogue, rows: np.ndarray, shown: list[str]) -> Iterator[tuple[int, str, str]]:
    """Place among ``rows`` (int64 m), field and text, secrets masked, of every text that was cut.

    ``shown``: what the cases of these rows say, because a text may be cut to make room for what stands below it.
    """
    places = pa.array(rows)
    for name, values in _columns(sheet, catalogue, places).items():
        short = catalogue.kind_of[name] == "plain"
        most = cells.SHORT if short else catalogue.intake.description_length
        texts = (cells.plain if short else cells.prose)(values, NO_LIMIT).values
        long = as_mask(pc.greater(pc.utf8_length(texts), most))
        for place, text in enumerate(texts.to_pylist()):
            if text and (long[place] or (name == DESCRIPTION and not shown[place].startswith(text))):
                yield place, name, text


def _columns(sheet: Sheet, catalogue: Catalogue, rows: pa.Array) -> dict[str, pa.Array]:
    """Columns of text by field, of these rows only."""
    found: dict[str, pa.Array] = {}
    for number, title in enumerate(sheet.header):
        name = catalogue.columns.get(fold(title))
        if name is not None and name not in _WORDS and catalogue.kind_of[name] in ("plain", "text"):
            values = cells.repaired(flat(sheet.column(number)).take(rows)).values
            found[name] = flat(pc.coalesce(found[name], values)) if name in found else values
    return found
