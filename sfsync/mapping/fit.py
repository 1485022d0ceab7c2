"""The last steps of a field: its type, its list of values, its length, its pattern."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping import cells as c
from sfsync.mapping import layout
from sfsync.mapping.cells import Cells, as_mask, flat
from sfsync.mapping.model import FieldSpec, FieldType
from sfsync.mapping.types import CANONICAL, text

# Types a too long value of which is refused unless the mapping says otherwise; others are cut.
NEVER_CUT = (FieldType.CODE, FieldType.EMAIL, FieldType.PHONE, FieldType.REFERENCE, FieldType.USER)


def finish(field: FieldSpec, cells: Cells, *, lenient: bool, needed: bool) -> Cells:
    """Type, list of values, length and pattern; a lenient field keeps the text of what does not fit."""
    done = cells.then(CANONICAL[field.type]).then(lambda v: _known(field, v, lenient))
    done = done.then(lambda v: _fitting(field, v))
    if field.pattern:
        done = done.fault(c.VALUE_FORMAT, pc.invert(pc.match_substring_regex(done.values, f"^(?:{field.pattern})$")))
    if lenient and not done.faults:
        return done
    if lenient:
        kept = flat(pc.if_else(pa.array(done.faulty), cells.values, done.values))
        return Cells(kept)
    if field.required and needed:
        return done.fault(c.REQUIRED, as_mask(pc.is_null(done.values)) & ~done.faulty)
    return done


def _known(field: FieldSpec, values: pa.Array, lenient: bool) -> Cells:
    """Picklist values in the spelling of the list; unknown ones as the field's ``unknown`` says."""
    if not field.values or field.type is FieldType.MULTIPICKLIST:
        return _known_parts(field, values) if field.values else Cells(values)
    place = pc.index_in(pc.utf8_lower(values), pa.array([v.lower() for v in field.values]))
    spelled = pa.array(field.values, pa.string()).take(flat(place))
    unknown = pc.and_(pc.is_null(place), pc.is_valid(values))
    if field.unknown == "keep" or lenient:
        return Cells(flat(pc.if_else(unknown, values, spelled)))
    if field.unknown == "refuse":
        return Cells(flat(spelled)).fault(c.VALUE_UNKNOWN, unknown)
    return Cells(flat(pc.if_else(unknown, field.unknown, spelled)))


def _known_parts(field: FieldSpec, values: pa.Array) -> Cells:
    unknown = c.by_distinct(values, lambda v: None if set(v.split(";")) <= set(field.values) else "unknown")
    return Cells(values) if field.unknown == "keep" else Cells(values).fault(c.VALUE_UNKNOWN, pc.is_valid(unknown))


def _fitting(field: FieldSpec, values: pa.Array) -> Cells:
    """Values no longer than the field: text is cut (as the other side would keep it), codes are a fault."""
    if field.length is None or field.type in (FieldType.BOOLEAN, FieldType.INTEGER, FieldType.MONEY):
        return Cells(values)
    if layout.longest(values) <= field.length:
        return Cells(values)
    long = as_mask(pc.greater(pc.utf8_length(values), field.length))
    if not long.any():
        return Cells(values)
    if (field.too_long or ("refuse" if field.type in NEVER_CUT else "cut")) == "refuse":
        return Cells(values).fault(c.VALUE_TOO_LONG, long)
    return text(pc.utf8_slice_codeunits(values, 0, field.length))
