"""What a cell says: whole columns of raw text in, canonical text and codes out (domain requests D.4.2, model B.7).

Canonical forms: instants ``2026-05-12T08:15:00Z``, dates ``2026-05-12``, money in minor units ``123456``, phones
E.164, codes without blanks. A step works on the distinct values of a column, each once. A cell that cannot be read is
null and has its code; nothing is guessed where two readings are possible.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping import freetext, identifiers
from sfsync.mapping.cells import Cells, as_mask, flat
from sfsync.planners.requests import persons
from sfsync.planners.requests.moments import Clock
from sfsync.planners.requests.numbers import money, whole

Said: TypeAlias = "tuple[str | None, tuple[str, ...]]"  # canonical value, codes
Step: TypeAlias = "Callable[[pa.Array], Cells]"

MARK = "[…]"
SHORT = 2_000  # characters of a text in a column of its own
_BLANKS = r"[\s\x{a0}\x{ad}\x{1680}\x{180e}\x{2000}-\x{200f}\x{2028}-\x{202f}\x{205f}-\x{2064}\x{3000}\x{feff}]+"
_INVISIBLE = r"[\x{ad}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2064}\x{feff}]+"
_SPACES = r"[\x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]"
_DASHES = r"[\x{2010}-\x{2015}\x{2212}\x{fe58}\x{fe63}\x{ff0d}]"
_CONTROLS = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+"
_SCIENTIFIC = r"^[0-9]+([.,][0-9]+)?[eE]\+[0-9]+$|^[0-9][.,][0-9]+[eE][0-9]+$"
_SEPA = rf"^(?:{'|'.join(f'{c}.{{{n - 2}}}' for c, n in freetext.IBAN_LENGTHS.items())})$"
_FORMULA = r"^[=+\-@]"
# a letter of two bytes in UTF-8, read one byte at a time as cp1252
_SECOND = "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2122€"
_MOJIBAKE = f"[ÂÃÅâÐÑ][{_SECOND}]"
_PERSON = re.compile(
    r"\b[A-Za-z]{6}[0-9LMNPQRSTUVlmnpqrstuv]{2}[ABCDEHLMPRSTabcdehlmprst][0-9LMNPQRSTUVlmnpqrstuv]{2}"
    r"[A-Za-z][0-9LMNPQRSTUVlmnpqrstuv]{3}[A-Za-z]\b"
)
_PERSON_LIKE = r"(?i)\b[A-Z]{6}[0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]\b"
_ADDRESS = re.compile(r"[^@\s<>()\"',;:\\\[\]]+@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")


def distinct(values: pa.Array, step: Step) -> Cells:
    """``step`` on every distinct value once; null is one of them."""
    coded = flat(values).dictionary_encode(null_encoding="encode")
    return step(coded.dictionary).taken(coded.indices)


def scalar(work: Callable[[str], Said]) -> Step:
    """A step that looks at one value at a time; null stays null and says nothing."""

    def step(values: pa.Array) -> Cells:
        found = [(None, ()) if v is None else work(v) for v in values.to_pylist()]
        codes = dict.fromkeys(code for _, said in found for code in said)
        faults = tuple((code, np.array([code in said for _, said in found], bool)) for code in codes)
        return Cells(pa.array([v for v, _ in found], pa.string()), faults)

    return step


# -- text ---------------------------------------------------------------------------------------------------------


def repaired(values: pa.Array) -> Cells:
    """Cells trimmed, in NFC, without what nobody sees, text that was encoded twice repaired; empty ones are null."""
    bare = pc.utf8_normalize(pc.replace_substring_regex(values, _CONTROLS, ""), form="NFC")
    cells = _once_encoded(flat(bare))  # before the trimming: the second byte of an à is a no-break space
    seen = pc.replace_substring_regex(cells.values, _INVISIBLE, "")
    cells = Cells(flat(pc.utf8_trim_whitespace(seen)), cells.faults)
    empty = pc.equal(pc.utf8_trim_whitespace(pc.replace_substring_regex(cells.values, _BLANKS, "")), "")
    guarded = pc.replace_substring_regex(cells.values, r"^'([=+\-@'])", r"\1")  # as result files write it
    return Cells(flat(pc.if_else(empty, pa.scalar(None, pa.string()), guarded)), cells.faults)


def _once_encoded(values: pa.Array) -> Cells:
    suspicious = as_mask(pc.match_substring_regex(values, _MOJIBAKE))
    if not suspicious.any():
        return Cells(values)
    mask = pa.array(suspicious)
    cells = distinct(values.filter(mask), scalar(_repair))
    codes = []
    for code, rows in cells.faults:
        spread = np.zeros(len(values), bool)
        spread[np.flatnonzero(suspicious)[rows]] = True
        codes.append((code, spread))
    return Cells(flat(pc.replace_with_mask(values, mask, cells.values)), tuple(codes))


def _repair(text: str) -> Said:
    """Exact round trips only; what looks like one and is none stays as it is, with the warning."""
    if not re.search(_MOJIBAKE, text):
        return text, ()
    try:
        return text.encode("cp1252").decode("utf-8"), ("W-MOJIBAKE",)
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text, ("W-MOJIBAKE",)


def prose(values: pa.Array, most: int) -> Cells:
    """Free text: line ends LF, no-break spaces as spaces, secrets masked, formulas noted, cut at ``most``."""
    values = pc.replace_substring_regex(values, r"\r\n?", "\n")
    values = pc.replace_substring_regex(values, _SPACES, " ")
    plain = freetext.strip_html(flat(pc.utf8_trim_whitespace(values)))
    masked = without_secrets(plain)
    cells = Cells(masked, _fault("W-SECRET", pc.not_equal(plain, masked)))
    cells = Cells(cells.values, (*cells.faults, *_fault("W-FORMULA", pc.match_substring_regex(values, _FORMULA))))
    long = pc.greater(pc.utf8_length(masked), most)
    cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(masked, 0, most - len(MARK)), MARK, "")
    return Cells(flat(pc.if_else(long, cut, masked)), (*cells.faults, *_fault("W-LEN", long)))


def without_secrets(values: pa.Array) -> pa.Array:
    """Card numbers, IBANs, fiscal codes, passwords, PINs and one-time codes masked."""
    masked = freetext.mask_secrets(values)
    rows = as_mask(pc.match_substring_regex(masked, _PERSON_LIKE))
    if not rows.any():
        return masked
    mask = pa.array(rows)
    hidden = [_PERSON.sub(_hide_person, v) for v in masked.filter(mask).to_pylist()]
    return flat(pc.replace_with_mask(masked, mask, pa.array(hidden, pa.string())))


def _hide_person(match: re.Match[str]) -> str:
    code = match[0].upper()
    return freetext.HIDDEN + code[-4:] if persons.valid(code) else match[0]


def _fault(code: str, rows: pa.Array | np.ndarray) -> tuple[tuple[str, np.ndarray], ...]:
    mask = as_mask(rows)
    return ((code, mask),) if mask.any() else ()


# -- codes --------------------------------------------------------------------------------------------------------


def code(values: pa.Array) -> Cells:
    """Identifiers: no blanks, plain dashes, ASCII only; digits a spreadsheet lost cannot be brought back."""
    bare = pc.replace_substring_regex(values, r'^="(.*)"$', r"\1")
    bare = pc.replace_substring_regex(pc.replace_substring_regex(bare, _BLANKS, ""), _DASHES, "-")
    bare = flat(pc.replace_substring_regex(bare, r"^'+", ""))
    lost = pc.match_substring_regex(bare, _SCIENTIFIC)
    foreign = pc.match_substring_regex(bare, r"[^\x20-\x7e]")
    formula = pc.match_substring_regex(bare, r"^[=+@]")
    faults = (*_fault("E-SCI", lost), *_fault("E-CHARSET", foreign), *_fault("W-FORMULA", formula))
    return Cells(_null_where(bare, pc.or_(lost, foreign)), faults)


def plain(values: pa.Array, most: int = SHORT) -> Cells:
    """Short text in a column of its own."""
    return prose(pc.replace_substring_regex(values, r"\s+", " "), most)


def _null_where(values: pa.Array, rows: pa.Array | np.ndarray) -> pa.Array:
    mask = pa.array(as_mask(rows))
    return flat(pc.if_else(mask, pa.scalar(None, pa.string()), values))


# -- people and numbers -------------------------------------------------------------------------------------------


def phone(values: pa.Array) -> Cells:
    """E.164; what is no number is dropped with W-PHONE, a plus that was lost is put back with W-PHONE-PLUS."""
    bare = flat(pc.replace_substring_regex(pc.replace_substring_regex(values, _BLANKS, " "), r"^'", ""))
    cells = identifiers.phone(flat(pc.utf8_trim_whitespace(bare)))
    digits = pc.replace_substring_regex(bare, r"[ ()./-]", "")
    plus = pc.and_(pc.match_substring_regex(digits, r"^39[0-9]{10,}$"), pc.is_valid(cells.values))
    return Cells(cells.values, (*_fault("W-PHONE", cells.faulty), *_fault("W-PHONE-PLUS", plus)))


def email(values: pa.Array) -> Cells:
    """The first address that is one, its domain in lower case; none at all is dropped with W-EMAIL."""
    return distinct(values, scalar(_email))


def _email(text: str) -> Said:
    parts = [p for p in re.split(r"[;,\s<>/|]+", text.removeprefix("mailto:")) if p]
    found = [p for p in parts if _ADDRESS.fullmatch(p.lower()) and len(p) <= 254]
    if not found:
        return None, ("W-EMAIL",)
    name, _, domain = found[0].rpartition("@")
    several = sum("@" in p for p in parts) > 1
    return f"{name}@{domain.lower()}", ("W-EMAIL-MULTI",) if several else ()


def vat(values: pa.Array) -> Cells:
    """Eleven digits whose check digit holds; zeros a spreadsheet lost are put back."""
    bare = code(values)
    cells = distinct(bare.values, scalar(persons.vat))
    return Cells(cells.values, (*bare.faults, *cells.faults))


def iban(values: pa.Array) -> Cells:
    """Upper case without blanks; a wrong one, or one outside SEPA, stays (change blocked, case opened)."""
    bare = pc.utf8_upper(pc.replace_substring_regex(values, r"[\s.\-\x{a0}]+", ""))
    cells = code(flat(bare))
    good = identifiers.iban_valid(cells.values) & as_mask(pc.match_substring_regex(cells.values, _SEPA))
    italian = as_mask(pc.match_substring_regex(cells.values, r"^(IT|SM)"))
    wrong = as_mask(pc.is_valid(cells.values)) & ~good
    letter = good & italian & ~identifiers.iban_cin_valid(cells.values)
    return Cells(cells.values, (*cells.faults, *_fault("E-IBAN", wrong), *_fault("W-IBAN-CIN", letter)))


def province(values: pa.Array) -> Cells:
    """Two letters; ``NA`` is Napoli."""
    return Cells(flat(pc.utf8_upper(pc.replace_substring_regex(values, _BLANKS, ""))))


def cap(values: pa.Array) -> Cells:
    """Five digits; lost zeros come back (whether the province agrees says ``validate``)."""
    bare = code(values)
    digits = pc.match_substring_regex(bare.values, r"^\d{3,5}$")
    padded = pc.if_else(digits, pc.utf8_lpad(bare.values, 5, "0"), bare.values)
    odd = pc.and_(pc.is_valid(bare.values), pc.invert(digits))
    return Cells(flat(padded), (*bare.faults, *_fault("E-NUM", odd)))


def steps(clock: Clock, most: int) -> dict[str, Step]:
    """How each kind of field is read."""
    return {
        "code": lambda v: distinct(v, code),
        "text": lambda v: prose(v, most),
        "plain": plain,
        "instant": lambda v: distinct(v, scalar(clock.instant)),
        "date": lambda v: distinct(v, scalar(clock.date)),
        "money": lambda v: distinct(v, scalar(money)),
        "whole": lambda v: distinct(v, scalar(whole)),
        "phone": phone,
        "email": email,
        "vat": vat,
        "person": lambda v: distinct(v, scalar(lambda t: persons.person(t, clock.today))),
        "iban": lambda v: distinct(v, iban),
        "province": lambda v: distinct(v, province),
        "cap": lambda v: distinct(v, cap),
    }
