"""Identifiers with right check digits, a column at a time (rules: domain model B.7)."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

Texts = np.ndarray[Any, Any]

MONTHS = np.array(list("ABCDEHLMPRST"))
# Values of 0-9 then A-Z at the odd positions (first, third, …) of a fiscal code, and of an IBAN's account part.
ODD_DIGITS = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21]
ODD = [*ODD_DIGITS, *ODD_DIGITS, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
EVEN = [*range(10), *range(26)]
PREFIXES = np.array([*range(327, 330), *range(331, 335), *range(338, 343), *range(345, 350), 366, 388, 392]).astype(
    "U3"
)


def digits(rng: np.random.Generator, n: int, width: int) -> Texts:
    """``n`` random numbers as zero-padded text."""
    return np.char.zfill(rng.integers(0, 10**width, n).astype(f"U{width}"), width)


def join(*parts: Texts | str) -> Texts:
    """Concatenate columns of text (and constants) element by element."""
    out: Texts = np.asarray(parts[0])
    for part in parts[1:]:
        out = np.char.add(out, part)
    return out


def _codes(texts: Texts) -> np.ndarray[Any, Any]:
    """Texts of one length as an (n, length) table of 0-9 for digits and 10-35 for letters."""
    fixed = np.ascontiguousarray(texts)
    points = fixed.view(np.uint32).reshape(len(fixed), -1)
    return np.where(points >= ord("A"), points - ord("A") + 10, points - ord("0"))


def check_letters(texts: Texts) -> Texts:
    """The letter of the odd/even scheme: last of a fiscal code (15 characters), CIN of an IBAN (22 characters)."""
    codes = _codes(texts)
    total = np.array(ODD)[codes[:, 0::2]].sum(axis=1) + np.array(EVEN)[codes[:, 1::2]].sum(axis=1)
    return np.array(list(string.ascii_uppercase))[total % 26]


def luhn_digits(texts: Texts) -> Texts:
    """The Luhn digit that follows texts of digits of one length."""
    table = _codes(texts).astype(int)
    doubled = table[:, ::-1].copy()
    doubled[:, 0::2] *= 2
    doubled[doubled > 9] -= 9
    return ((10 - doubled.sum(axis=1) % 10) % 10).astype("U1")


def vat_numbers(rng: np.random.Generator, n: int) -> Texts:
    """Partite IVA: seven digits, the office's three, a Luhn digit; all different."""
    serials = rng.choice(9_000_000, n, replace=False) + 1_000_000
    body = join(serials.astype("U7"), np.char.zfill(rng.integers(1, 96, n).astype("U3"), 3))
    return join(body, luhn_digits(body))


def card_numbers(rng: np.random.Generator, n: int) -> Texts:
    """Sixteen-digit card numbers below one test prefix."""
    body = join("411111", digits(rng, n, 9))
    return join(body, luhn_digits(body))


def ibans(rng: np.random.Generator, n: int) -> Texts:
    """Italian IBANs whose CIN and check digits are both right."""
    account = join(digits(rng, n, 5), digits(rng, n, 5), "00000", digits(rng, n, 7))
    bban = join(check_letters(account), account)
    remainder = _mod97(join(bban, "IT00"))
    return join("IT", np.char.zfill((98 - remainder).astype("U2"), 2), bban)


def _mod97(texts: Texts) -> np.ndarray[Any, Any]:
    rest = np.zeros(len(texts), dtype=np.int64)
    for column in _codes(texts).astype(np.int64).T:
        rest = (rest * np.where(column > 9, 100, 10) + column) % 97
    return rest


def mobiles(rng: np.random.Generator, n: int) -> Texts:
    """Italian mobile numbers in E.164."""
    return join("+39", rng.choice(PREFIXES, n), digits(rng, n, 7))


def landlines(rng: np.random.Generator, areas: Texts) -> Texts:
    """Italian landlines in E.164; the area code keeps its leading zero."""
    return join("+39", areas, digits(rng, len(areas), 6))


def ascii_letters(text: str) -> str:
    """Letters only, upper case, without accents: the spelling fiscal codes use."""
    plain = unicodedata.normalize("NFD", text)
    return "".join(c for c in plain.upper() if c in string.ascii_uppercase)


def surname_code(text: str) -> str:
    """Three letters of a surname: consonants, then vowels, then X."""
    letters = ascii_letters(text)
    consonants = "".join(c for c in letters if c not in "AEIOU")
    vowels = "".join(c for c in letters if c in "AEIOU")
    return (consonants + vowels + "XXX")[:3]


def name_code(text: str) -> str:
    """Three letters of a first name: with four or more consonants the second one is left out."""
    consonants = "".join(c for c in ascii_letters(text) if c not in "AEIOU")
    if len(consonants) >= 4:
        return consonants[0] + consonants[2] + consonants[3]
    return surname_code(text)


def fiscal_codes(
    surnames: Sequence[str], surname: Texts, names: Sequence[str], name: Texts, women: Texts, born: Texts, town: Texts
) -> Texts:
    """Codici fiscali.

    ``surname`` and ``name`` are positions in their lists, ``women`` is boolean, ``born`` datetime64[D], ``town`` the
    cadastral codes.
    """
    month = born.astype("datetime64[M]").astype(int) % 12
    year = born.astype("datetime64[Y]").astype(int) + 1970
    day = (born - born.astype("datetime64[M]")).astype(int) + 1 + 40 * women
    body = join(
        np.array([surname_code(s) for s in surnames])[surname],
        np.array([name_code(s) for s in names])[name],
        np.char.zfill((year % 100).astype("U2"), 2),
        MONTHS[month],
        np.char.zfill(day.astype("U2"), 2),
        town,
    )
    return join(body, check_letters(body))
