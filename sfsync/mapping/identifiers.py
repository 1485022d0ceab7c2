"""Italian identifiers over whole columns (domain model B.7): phone, VAT number, fiscal code, IBAN.

A check that is named ``*_valid`` returns a NumPy bool array; null is never valid.
"""

from __future__ import annotations

import string

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping import layout
from sfsync.mapping.cells import VALUE_FORMAT, Cells, as_mask, flat, unless

_CF = (
    r"^[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}"
    r"[A-Z][0-9LMNPQRSTUV]{3}[A-Z]$"
)
_IT_IBAN = r"^(IT|SM)\d{2}[A-Z]\d{10}[A-Z0-9]{12}$"
_UPPER = string.ascii_uppercase.encode() + string.digits.encode()
# Numbers ``phone`` leaves as they are.
_E164 = r"^\+(39[038]\d{5,10}|([124-9]|3[0-8])\d{6,13})$"
# Weight of a character at an odd place of a fiscal code (counted from 1); digits weigh as A-J.
_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def phone(values: pa.Array) -> Cells:
    """E.164; an Italian number keeps its leading 0, and 12 digits from 39 on can only begin with the country code."""
    return unless(values, pc.match_substring_regex(values, _E164), _any_phone)


def _any_phone(values: pa.Array) -> Cells:
    shaped = pc.match_substring_regex(values, r"^\(?\+?\(?[0-9][0-9 ()./\x{a0}-]*$")
    digits = pc.replace_substring_regex(values, r"[^0-9]", "")
    foreign = pc.or_(pc.match_substring_regex(values, r"^\(?\+"), pc.starts_with(digits, "00"))
    digits = pc.if_else(pc.starts_with(values, "00"), pc.utf8_slice_codeunits(digits, 2), digits)
    long = pc.and_(pc.starts_with(digits, "39"), pc.greater_equal(pc.binary_length(digits), 12))
    whole = pc.if_else(pc.or_(foreign, long), digits, pc.binary_join_element_wise("39", digits, ""))
    italian = pc.match_substring_regex(whole, r"^39[038]\d{5,10}$")
    abroad = pc.match_substring_regex(whole, r"^([124-9]|3[0-8])\d{6,13}$")
    good = pc.and_(shaped, pc.or_(italian, abroad))
    return Cells(flat(pc.binary_join_element_wise("+", whole, ""))).fault(VALUE_FORMAT, pc.invert(good))


def compact(values: pa.Array) -> pa.Array:
    """Upper case, without blanks, dots and dashes."""
    if layout.only(values, _UPPER):
        bare = values
    else:
        bare = pc.replace_substring_regex(pc.utf8_upper(values), r"[\s\x{a0}.-]+", "")
    return flat(pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare))


def vat(values: pa.Array) -> Cells:
    """Eleven digits: ``IT`` taken off, zeros a spreadsheet lost put back if the check digit then holds."""
    bare = pc.replace_substring_regex(compact(values), r"^IT", "")
    padded = pc.if_else(pc.match_substring_regex(bare, r"^\d{8,10}$"), pc.utf8_lpad(bare, 11, "0"), bare)
    bad = as_mask(pc.is_valid(values)) & ~vat_valid(padded)
    return Cells(flat(padded)).fault(VALUE_FORMAT, bad)


def vat_valid(values: pa.Array) -> np.ndarray:
    """Eleven digits with the right check digit; all zeros is refused though its digit is right."""
    shaped = as_mask(pc.match_substring_regex(values, r"^\d{11}$")) & ~as_mask(pc.equal(values, "0" * 11))
    valid = np.zeros(len(values), dtype=bool)
    digits = _bytes(values, shaped, 11) - ord("0")
    doubled = digits[:, 1::2] * 2
    total = digits[:, 0::2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)
    valid[shaped] = total % 10 == 0
    return valid


def fiscal_code_valid(values: pa.Array) -> np.ndarray:
    """A person's fiscal code: form and check letter, omocodic variants included."""
    shaped = as_mask(pc.match_substring_regex(values, _CF))
    valid = np.zeros(len(values), dtype=bool)
    letters = _bytes(values, shaped, 16)
    valid[shaped] = _check_letter(letters[:, :15]) == letters[:, 15] - ord("A")
    return valid


def _check_letter(letters: np.ndarray) -> np.ndarray:
    ranks = np.where(letters >= ord("A"), letters - ord("A"), letters - ord("0"))
    odd = np.array(_ODD)[ranks[:, 0::2]].sum(axis=1)
    return (odd + ranks[:, 1::2].sum(axis=1)) % 26


def iban_valid(values: pa.Array) -> np.ndarray:
    """Form and mod 97; whether the Italian CIN holds says ``iban_cin_valid``."""
    shaped = as_mask(pc.match_substring_regex(values, r"^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$"))
    italian = as_mask(pc.match_substring_regex(values, r"^(IT|SM)"))
    shaped &= ~italian | as_mask(pc.match_substring_regex(values, _IT_IBAN))
    chosen = values.filter(pa.array(shaped)).to_pylist()
    shaped[shaped] = [_mod97(v) == 1 for v in chosen]
    return shaped


def _mod97(iban: str) -> int:
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97


def iban_cin_valid(values: pa.Array) -> np.ndarray:
    """The check letter inside an Italian IBAN, recomputed with the fiscal code's tables over its 22 characters."""
    shaped = as_mask(pc.match_substring_regex(values, _IT_IBAN))
    valid = np.zeros(len(values), dtype=bool)
    letters = _bytes(values, shaped, 27)
    valid[shaped] = _check_letter(letters[:, 5:]) == letters[:, 4] - ord("A")
    return valid


def _bytes(values: pa.Array, rows: np.ndarray, width: int) -> np.ndarray:
    """The chosen ASCII values, all of one width, as a matrix of their bytes."""
    chosen = flat(values).filter(pa.array(rows)).to_numpy(zero_copy_only=False)
    return np.array(chosen, dtype=f"S{width}").view("uint8").reshape(len(chosen), width).astype("int64")
