"""Lines that are no requests: blank ones, titles, totals, and the header once more (domain D.4.2, row 32)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping.cells import as_mask, flat
from sfsync.planners.requests.catalogue import Catalogue, Profile, fold
from sfsync.planners.requests.sheet import Sheet, blank

_TITLE = 2  # cells with something in them that a title has at most; a request has more
_COUNT = r"^[\d.,\s]+$"


def no_request(sheet: Sheet, raw: dict[str, pa.Array], catalogue: Catalogue, profile: Profile) -> np.ndarray:
    """bool n: the row is no request. ``raw``: the columns by field, null where nothing stands."""
    skipped = blank(sheet.cells)
    if not len(sheet):
        return skipped
    return skipped | _titles(sheet) | _header_again(raw, catalogue, len(sheet)) | _totals(sheet, raw, profile)


def _titles(sheet: Sheet) -> np.ndarray:
    """Lines above the header that say too little to be a request."""
    found = sheet.above.copy()
    for place, row in zip(np.flatnonzero(found), sheet.cells.filter(pa.array(found)).to_pylist(), strict=True):
        found[place] = sum(bool(v.strip()) for v in row.values()) <= _TITLE
    return found


def _header_again(raw: dict[str, pa.Array], catalogue: Catalogue, count: int) -> np.ndarray:
    """Lines whose cells name their own columns, in whatever case; two at least, shop or type among them."""
    named = np.zeros(count, np.int64)
    for name in ("request_type", "shop_code"):
        if name in raw:
            named += _names(raw[name], name, catalogue)
    for place in np.flatnonzero(named == 1):
        others = (n for n in raw if n not in ("request_type", "shop_code"))
        named[place] += any(catalogue.columns.get(fold(raw[n][place].as_py() or "")) == n for n in others)
    return named >= 2


def _names(values: pa.Array, field: str, catalogue: Catalogue) -> np.ndarray:
    coded = values.dictionary_encode(null_encoding="encode")
    known = [
        v is not None and not v[:1].isdigit() and catalogue.columns.get(fold(v)) == field
        for v in coded.dictionary.to_pylist()
    ]
    return np.array(known, bool)[coded.indices.to_numpy()]


def _totals(sheet: Sheet, raw: dict[str, pa.Array], profile: Profile) -> np.ndarray:
    """Lines that begin with a word for a sum and ask for nothing; a number in the last column is their count."""
    first = pc.coalesce(*(pc.if_else(pc.equal(c, ""), pa.scalar(None, pa.string()), c) for c in sheet.cells.columns))
    begins = rf"(?i)^({'|'.join(profile.footers)})\b"
    total = as_mask(pc.match_substring_regex(pc.utf8_trim_whitespace(flat(first)), begins))
    for name in ("shop_code", "request_type", "request_id", "description"):
        if name in raw:
            words = f"{begins}|{_COUNT}" if name == "request_id" else begins
            total &= as_mask(pc.is_null(raw[name])) | as_mask(pc.match_substring_regex(raw[name], words))
    return total
