"""The canonical text of each field type (domain model B.1): Arrow text in, ``Cells`` out, whole columns at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping import layout, moments
from sfsync.mapping.cells import VALUE_FORMAT, VALUE_RANGE, VALUE_TYPE, Cells, as_mask, by_distinct, flat
from sfsync.mapping.identifiers import phone
from sfsync.mapping.model import FieldType

# Salesforce keeps dates from 1700 to 4000 only.
FIRST_DATE, AFTER_LAST_DATE = "1700-01-01", "4001"
TRUE_WORDS, FALSE_WORDS = ("true", "t", "1", "yes", "y"), ("false", "f", "0", "no", "n")
_EMAIL = r"^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+$"
_DIGITS = b"0123456789"
_REST = re.compile(r" ?(?:Z|UTC|(?P<sign>[+-])(?P<h>\d\d)(?::?(?P<m>\d\d))?)?")


def text(values: pa.Array) -> Cells:
    """Trimmed, NFC, line ends LF; empty is null."""
    data = layout.body(values)
    low, high = int(data.min(initial=layout.NOT_ASCII)), int(data.max(initial=0))
    if low <= layout.CONTROL and as_mask(pc.match_substring(values, "\r")).any():
        values = pc.replace_substring(pc.replace_substring(values, "\r\n", "\n"), "\r", "\n")
    if high >= layout.FIRST_COMBINING:
        values = flat(pc.utf8_normalize(values, "NFC"))
    if (low <= layout.BLANK or high >= layout.NOT_ASCII) and _maybe_blank(layout.edges(values)):
        values = flat(pc.utf8_trim_whitespace(values))
    return Cells(_empty_is_null(values))


def _maybe_blank(edges: np.ndarray) -> bool:
    """False if no value can begin or end with a blank of any kind."""
    return bool(((edges <= layout.BLANK) | (edges >= layout.NOT_ASCII)).any())


def _empty_is_null(values: pa.Array) -> pa.Array:
    empty = layout.lengths(values) == 0
    if np.count_nonzero(empty) <= values.null_count and not (empty & as_mask(pc.is_valid(values))).any():
        return values
    return pc.if_else(pa.array(empty), pa.scalar(None, pa.string()), values)


def lower(values: pa.Array) -> pa.Array:
    """Lower case."""
    return pc.ascii_lower(values) if layout.is_ascii(values) else pc.utf8_lower(values)


def email(values: pa.Array) -> Cells:
    """Lower-cased, one ``@``, a domain with a dot."""
    cells = text(lower(values))
    return cells.fault(VALUE_FORMAT, pc.invert(pc.match_substring_regex(cells.values, _EMAIL)))


def telephone(values: pa.Array) -> Cells:
    """E.164 by the rules of domain model B.7."""
    return text(values).then(phone)


def boolean(values: pa.Array) -> Cells:
    """``true`` or ``false``; null is ``false``, for a Salesforce checkbox knows no null."""
    words = lower(text(values).values)
    yes = as_mask(pc.is_in(words, pa.array(TRUE_WORDS)))
    no = as_mask(pc.is_in(words, pa.array(FALSE_WORDS))) | as_mask(pc.is_null(words))
    return Cells(flat(pc.if_else(pa.array(yes), "true", "false"))).fault(VALUE_TYPE, ~(yes | no))


def integer(values: pa.Array) -> Cells:
    """Digits without leading zeros, plus sign or zero fraction."""
    values = text(values).values
    if _plain_digits(values):
        return Cells(values)
    bad = pc.invert(pc.match_substring_regex(values, r"^[+-]?\d{1,18}(\.0*)?$"))
    cells = Cells(values).fault(VALUE_TYPE, bad)
    whole = pc.replace_substring_regex(cells.values, r"^\+|\.0*$", "")
    return Cells(pc.cast(pc.cast(whole, pa.int64()), pa.string()), cells.faults)


def _plain_digits(values: pa.Array) -> bool:
    """True if every value is up to 18 digits, the first of several no zero."""
    if not layout.only(values, _DIGITS) or layout.longest(values) > 18:
        return False
    return not as_mask(pc.and_(pc.starts_with(values, "0"), pc.not_equal(values, "0"))).any()


def minor_units(values: pa.Array) -> Cells:
    """A decimal amount as whole minor units of two places, half up (domain model B.1)."""
    values = text(values).values
    if as_mask(pc.fill_null(pc.match_substring_regex(values, r"^-?\d{1,15}(\.\d\d?)?$"), True)).all():
        return Cells(_scaled(values))
    done = by_distinct(values, _times_hundred)
    return Cells(done).fault(VALUE_TYPE, pc.and_(pc.is_valid(values), pc.is_null(done)))


def _scaled(values: pa.Array) -> pa.Array:
    amounts = pc.cast(values, pa.decimal128(20, 2))
    minor = pc.multiply(amounts, pa.scalar(Decimal(100), pa.decimal128(3, 0)))
    return pc.cast(pc.cast(minor, pa.int64()), pa.string())


def _times_hundred(amount: str) -> str | None:
    try:
        number = (Decimal(amount) * 100).to_integral_value(ROUND_HALF_UP)
        return str(int(number)) if number.is_finite() and abs(number) < 10**18 else None
    except (InvalidOperation, ValueError):
        return None


def civil_date(values: pa.Array) -> Cells:
    """``YYYY-MM-DD``; the time of a value that has one is dropped."""
    values = text(values).values
    if moments.are_days(values):
        return _in_range(Cells(values))
    shaped = pc.match_substring_regex(values, r"^\d{4}-\d\d-\d\d($|[T ]\d)")
    day = pc.utf8_slice_codeunits(values, 0, 10)
    real = pc.and_(shaped, _exists(day, "%Y-%m-%d", ""))
    return _in_range(Cells(flat(day)).fault(VALUE_TYPE, pc.and_(pc.is_valid(values), pc.invert(real))))


def instant(values: pa.Array) -> Cells:
    """``YYYY-MM-DDTHH:MM:SSZ`` from any ISO form; without an offset it is UTC, fractions of a second are dropped."""
    values = text(values).values
    plain = moments.plain_instants(values)
    if plain is not None:
        return _in_range(Cells(plain))
    full = _with_seconds(values)
    moment = pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(full, 0, 10), pc.utf8_slice_codeunits(full, 11, 19), "T"
    )
    between = pc.is_in(pc.utf8_slice_codeunits(full, 10, 11), pa.array(["T", " "]))
    seconds, offset_known = _offsets(pc.utf8_slice_codeunits(full, 19))
    good = as_mask(pc.and_(between, _exists(moment, "%Y-%m-%dT%H:%M:%S", "T"))) & offset_known
    cells = Cells(flat(moment)).fault(VALUE_TYPE, as_mask(pc.is_valid(values)) & ~good)
    shifted = _shift(cells.values, np.where(good, seconds, 0))
    return _in_range(Cells(flat(pc.binary_join_element_wise(shifted, "Z", "")), cells.faults))


def _with_seconds(values: pa.Array) -> pa.Array:
    """Midnight for bare dates, ``:00`` where the seconds are missing."""
    if as_mask(pc.less(pc.utf8_length(values), 19)).any():
        values = pc.replace_substring_regex(values, r"^(\d{4}-\d\d-\d\d)$", r"\1T00:00:00")
        values = pc.replace_substring_regex(values, r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d)($|[^:\d])", r"\1:00\2")
    return values


def _offsets(rests: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Seconds east of UTC per row, and whether the rest (fraction and offset) of the value could be read."""
    fraction = pc.starts_with(rests, ".")
    rests = pc.if_else(fraction, pc.utf8_ltrim(rests, ".0123456789"), rests)
    coded = flat(rests).dictionary_encode()
    found = [_REST.fullmatch(r) for r in coded.dictionary.to_pylist()]
    east = [_east(m) if m else 0 for m in found]
    rows = coded.indices.fill_null(0).to_numpy()
    if not found:
        return np.zeros(len(rests), dtype="int64"), np.zeros(len(rests), dtype=bool)
    return np.array(east, dtype="int64")[rows], np.array([bool(m) for m in found])[rows]


def _east(match: re.Match[str]) -> int:
    if not match["sign"]:
        return 0
    seconds = int(match["h"]) * 3600 + int(match["m"] or 0) * 60
    return seconds if match["sign"] == "+" else -seconds


def _shift(moments: pa.Array, seconds: np.ndarray) -> pa.Array:
    if not seconds.any():
        return moments
    stamps = pc.strptime(moments, format="%Y-%m-%dT%H:%M:%S", unit="s", error_is_null=True)
    utc = pc.subtract(stamps, pa.array(seconds, pa.duration("s")))
    return pc.replace_substring(pc.cast(utc, pa.string()), " ", "T")


def _exists(values: pa.Array, pattern: str, between: str) -> pa.Array:
    """True where the text is a real date or moment (no 30 February, no 24:00:00); null counts as False."""
    parsed = pc.strptime(values, format=pattern, unit="s", error_is_null=True)
    if between:
        again = pc.replace_substring(pc.cast(parsed, pa.string()), " ", between)
    else:
        again = pc.utf8_slice_codeunits(pc.cast(parsed, pa.string()), 0, 10)
    return pc.fill_null(pc.equal(again, values), False)


def _in_range(cells: Cells) -> Cells:
    outside = pc.or_(pc.less(cells.values, FIRST_DATE), pc.greater_equal(cells.values, AFTER_LAST_DATE))
    return cells.fault(VALUE_RANGE, outside)


def sorted_set(values: pa.Array) -> Cells:
    """The parts of ``A;B``, each once, sorted."""
    return Cells(by_distinct(text(values).values, _sorted_parts))


def _sorted_parts(value: str) -> str | None:
    return ";".join(sorted({p.strip() for p in value.split(";")} - {""})) or None


def user(values: pa.Array) -> Cells:
    """A username (lower-cased, as Salesforce keeps it) or a queue's name as it is."""
    values = text(values).values
    return Cells(flat(pc.if_else(pc.match_substring(values, "@"), lower(values), values)))


CANONICAL: dict[FieldType, Callable[[pa.Array], Cells]] = {
    FieldType.TEXT: text,
    FieldType.CODE: text,
    FieldType.EMAIL: email,
    FieldType.PHONE: telephone,
    FieldType.PICKLIST: text,
    FieldType.MULTIPICKLIST: sorted_set,
    FieldType.BOOLEAN: boolean,
    FieldType.INTEGER: integer,
    FieldType.MONEY: integer,
    FieldType.DATE: civil_date,
    FieldType.INSTANT: instant,
    FieldType.REFERENCE: text,
    FieldType.USER: user,
}
