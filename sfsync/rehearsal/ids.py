"""Record ids: 15 characters of meaning, 3 of checksum (wire reference section 4)."""

from __future__ import annotations

import re
from functools import lru_cache

_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
# In ASCII order, so that ids made one after the other also sort that way.
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?\Z")
_POD = "Rh0"
# A capital counts as 1, all else as 0; the first of five characters is the lowest bit.
_CAPITALS = str.maketrans(_DIGITS, "".join("1" if "A" <= one <= "Z" else "0" for one in _DIGITS))
_LETTERS = {f"{number:05b}"[::-1]: letter for number, letter in enumerate(_CHECK)}
_PAIRS = tuple(first + second for first in _DIGITS for second in _DIGITS)


def checksum(id15: str) -> str:
    """Three letters: one per five characters, a bit for each capital among them."""
    capitals = id15.translate(_CAPITALS)
    return _LETTERS[capitals[:5]] + _LETTERS[capitals[5:10]] + _LETTERS[capitals[10:]]


def to18(id_: str) -> str:
    """The 18-character form; raises ValueError for what is no id."""
    if not is_valid(id_):
        raise ValueError(f"{id_!r} is not a record id")
    return id_ if len(id_) == 18 else id_ + checksum(id_)


def is_valid(id_: object) -> bool:
    """True for 15 characters, or for 18 whose checksum fits (altered case does not); False for what is no text."""
    return isinstance(id_, str) and _is_valid(id_)


@lru_cache(maxsize=65536)
def _is_valid(id_: str) -> bool:
    if _SHAPE.match(id_) is None:
        return False
    return len(id_) == 15 or checksum(id_[:15]) == id_[15:]


def new_id(prefix: str, counter: int) -> str:
    """The id of the ``counter``-th record under a three-character key prefix: always the same one."""
    id15 = prefix + _POD + base62(counter, 9)
    return id15 + checksum(id15)


def base62(number: int, width: int) -> str:
    if width < 3:
        return _PAIRS[number % 3844][2 - width :]
    high, low = divmod(number, 3844)
    return _high_digits(high, width - 2) + _PAIRS[low]


@lru_cache(maxsize=256)
def _high_digits(number: int, width: int) -> str:
    """Consecutive numbers share them."""
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
