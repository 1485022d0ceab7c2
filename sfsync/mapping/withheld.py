"""What leaves in another form: masked, hashed, as a flag, or not at all (domain model B.1).

A function gets Arrow text columns and a ``Context`` and returns ``Cells``; ``transforms`` gives it its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from sfsync.errors import ConfigError
from sfsync.mapping import freetext, identifiers, types
from sfsync.mapping.cells import VALUE_FORMAT, Cells, as_mask, by_distinct, flat

ROME = ZoneInfo("Europe/Rome")
# Categories whose subcategory would tell a gambling or money-laundering concern (domain model B.4, B.6).
RESTRICTED_CATEGORIES = (
    "limits",
    "cooling_off",
    "self_exclusion",
    "self_exclusion_revoke",
    "rg_signal",
    "aml_suspicion",
    "aml_identification",
)
RESTRICTED = "restricted"


@dataclass(frozen=True)
class Context:
    """What a transform may know beside its columns: the moment of the run and the secret key of the hashes."""

    as_of: datetime
    hash_key: bytes


Columns: TypeAlias = "Sequence[pa.Array]"


def mask_last4(columns: Columns, _: Context) -> Cells:
    """``**** 1234``; of a value shorter than eight characters at most half is shown."""
    values = columns[0]
    tail = pc.utf8_slice_codeunits(values, -4)
    count = pc.utf8_length(values)
    if not as_mask(pc.less(count, 8)).any():
        return _behind_stars(tail)
    for length in range(1, 8):
        shown = pc.utf8_slice_codeunits(values, length - length // 2)
        tail = pc.if_else(pc.equal(count, length), shown, tail)
    return _behind_stars(tail)


def _behind_stars(tail: pa.Array) -> Cells:
    return Cells(flat(pc.binary_join_element_wise(freetext.HIDDEN, tail, " ")))


def iban_last4(columns: Columns, _: Context) -> Cells:
    """The last four characters of an IBAN; what has not an IBAN's form does not leave at all."""
    values = identifiers.compact(columns[0])
    shaped = pc.match_substring_regex(values, r"^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$")
    return Cells(flat(pc.utf8_slice_codeunits(values, -4))).fault(VALUE_FORMAT, pc.invert(shaped))


def join_masked(columns: Columns, _: Context) -> Cells:
    """``visa **** 1234`` from a payment method and its last four digits; more digits than four never leave."""
    method, last4 = columns
    bad = pc.or_kleene(
        pc.invert(pc.match_substring_regex(method, r"^[A-Za-z][A-Za-z _/-]{0,19}$")),
        pc.invert(pc.match_substring_regex(last4, r"^\d{4}$")),
    )
    tail = pc.binary_join_element_wise(freetext.HIDDEN, last4, " ")
    joined = pc.binary_join_element_wise(pc.fill_null(method, ""), pc.fill_null(tail, ""), " ")
    return types.text(flat(joined)).fault(VALUE_FORMAT, bad)


def strip_html(columns: Columns, _: Context) -> Cells:
    """Plain text of HTML."""
    return Cells(freetext.strip_html(columns[0]))


def mask_secrets(columns: Columns, _: Context) -> Cells:
    """Card numbers, IBANs, codes and passwords masked."""
    return Cells(freetext.mask_secrets(columns[0]))


def clean_text(columns: Columns, _: Context) -> Cells:
    """``strip_html``, then ``mask_secrets``."""
    return Cells(freetext.mask_secrets(freetext.strip_html(columns[0])))


def restricted_label(columns: Columns, _: Context) -> Cells:
    """``restricted`` instead of the subcategory where the category (given) is about gambling harm or laundering."""
    value, category = columns
    delicate = pc.is_in(pc.utf8_lower(category), pa.array(RESTRICTED_CATEGORIES))
    hidden = pc.and_(delicate, pc.is_valid(value))
    return Cells(flat(pc.if_else(hidden, RESTRICTED, value)))


def hmac_hash(columns: Columns, context: Context) -> Cells:
    """HMAC-SHA-256 in hexadecimal of the compacted, upper-cased value: equality can be tested, nothing be read."""
    if not context.hash_key:
        raise ConfigError(
            "a mapping hashes a field but no hash key is configured",
            code="HASH_KEY_MISSING",
            next_step="set the hash key in the environment, in a file with mode 0600 or in the keyring",
        )
    return Cells(by_distinct(identifiers.compact(columns[0]), _hmac_sha256(context.hash_key)))


def _hmac_sha256(key: bytes) -> Callable[[str], str]:
    """RFC 2104, with the work on the key done once: half of the time ``hmac.digest`` takes."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner, outer = hashlib.sha256(bytes(b ^ 0x36 for b in block)), hashlib.sha256(bytes(b ^ 0x5C for b in block))

    def work(value: str) -> str:
        inside, outside = inner.copy(), outer.copy()
        inside.update(value.encode())
        outside.update(inside.digest())
        return outside.hexdigest()

    return work


def hmac_person(columns: Columns, context: Context) -> Cells:
    """``hmac_hash`` of fiscal codes of persons (16 characters) only; a company's eleven digits give null."""
    values = identifiers.compact(columns[0])
    person = pc.equal(pc.utf8_length(values), 16)
    return hmac_hash([pc.if_else(person, values, pa.scalar(None, pa.string()))], context)


def age_band(columns: Columns, context: Context) -> Cells:
    """``18-24`` or ``25+`` on the day of the run in Italy; under 18 null."""
    cells = types.civil_date(columns[0])
    band = pc.if_else(pc.less_equal(cells.values, _born(context, 25)), "25+", "18-24")
    grown = pc.less_equal(cells.values, _born(context, 18))
    return Cells(flat(pc.if_else(grown, band, pa.scalar(None, pa.string()))), cells.faults)


def under_18(columns: Columns, context: Context) -> Cells:
    """``true`` for players under 18 on the day of the run, and for birth dates that cannot be read."""
    cells = types.civil_date(columns[0])
    young = as_mask(pc.greater(cells.values, _born(context, 18))) | cells.faulty
    return Cells(pc.cast(pa.array(young), pa.string()))


def _born(context: Context, years: int) -> str:
    """The last birth date that makes so many years today; compared as text, so 29 February needs no care."""
    today = context.as_of.astimezone(ROME).date()
    return f"{today.year - years:04d}-{today.month:02d}-{today.day:02d}"


def platform_flag(columns: Columns, _: Context) -> Cells:
    """A flag or band the platform has already derived, as it is."""
    return Cells(columns[0])
