"""Record ids: 15 characters of meaning, 3 of checksum (wire reference section 4)."""

from __future__ import annotations

import re
from functools import lru_cache

_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
# In ASCII order, so that ids made one after the other also sort that way.
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?\Z")
_POD = "Rh0"


def checksum(id15: str) -> str:
    """Three letters: one per five characters, a bit for each capital among them."""
    letters = []
    for start in (0, 5, 10):
        chunk = id15[start : start + 5]
        letters.append(_CHECK[sum(1 << bit for bit, one in enumerate(chunk) if "A" <= one <= "Z")])
    return "".join(letters)


def to18(id_: str) -> str:
    """The 18-character form; raises ValueError for what is no id."""
    if not is_valid(id_):
        raise ValueError(f"{id_!r} is not a record id")
    return id_ if len(id_) == 18 else id_ + checksum(id_)


@lru_cache(maxsize=65536)
def is_valid(id_: object) -> bool:
    """True for 15 characters, or for 18 whose checksum fits (altered case does not)."""
    if not isinstance(id_, str) or _SHAPE.match(id_) is None:
        return False
    return len(id_) == 15 or checksum(id_[:15]) == id_[15:]


def new_id(prefix: str, counter: int) -> str:
    """The id of the ``counter``-th record under a three-character key prefix: always the same one."""
    id15 = prefix + _POD + base62(counter, 9)
    return id15 + checksum(id15)


def base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
