"""Numbers of companies and persons, one at a time (domain model B.7); whole columns are in ``mapping.identifiers``."""

from __future__ import annotations

import re
from datetime import date

import pyarrow as pa

from sfsync.mapping import identifiers

Said = tuple[str | None, tuple[str, ...]]

_ADULT = 18
_MONTHS = "ABCDEHLMPRST"
_OMOCODIC = str.maketrans("LMNPQRSTUV", "0123456789")


def vat(text: str) -> Said:
    """Eleven digits whose check digit holds. All zeros are refused though their digit is right."""
    bare = re.sub(r"^IT|[.\-/]", "", text.upper())
    if bare.isdigit() and not bare.strip("0"):
        return None, ("E-VAT-ZERO",)
    if not re.fullmatch(r"\d{7,11}", bare, re.ASCII) or not identifiers.vat_valid(pa.array([bare.zfill(11)]))[0]:
        return None, ("E-VAT",)
    return bare.zfill(11), ("W-VAT-PAD",) if len(bare) < 11 else ()


def valid(code: str) -> bool:
    """A person's fiscal code in upper case: form and check letter."""
    return bool(identifiers.fiscal_code_valid(pa.array([code], pa.string()))[0])


def person(text: str, today: date) -> Said:
    """A fiscal code in upper case without blanks; a company's eleven digits are checked as a VAT number."""
    bare = re.sub(r"[\s\u00a0\u200b.\-]+", "", text).upper()
    if re.fullmatch(r"\d{8,11}", bare, re.ASCII):
        value, codes = vat(bare)
        return value, tuple("E-CF" if c == "E-VAT" else c for c in codes)
    if not bare.isascii():
        return None, ("E-CHARSET",)
    born = birth(bare, today) if valid(bare) else None
    if born is None:
        return None, ("E-CF",)
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return bare, ("E-MINOR",) if age < _ADULT else ()


def birth(code: str, today: date) -> date | None:
    """The birth date in a fiscal code (women: day + 40); the century is the last one that has begun."""
    digits = (code[6:8] + code[9:11]).translate(_OMOCODIC)
    year, day = int(digits[:2]), int(digits[2:]) % 40
    year += 2000 if year <= today.year % 100 else 1900
    try:
        return date(year, _MONTHS.index(code[8]) + 1, day)
    except ValueError:
        return None
