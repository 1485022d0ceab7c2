"""Whole numbers as callers write them. Python refuses to read thousands of digits; nothing here needs more than 18."""

from __future__ import annotations

_MOST = 10**18 - 1


def number(text: str) -> int:
    """The number that these digits are; one beyond 18 digits is as good as endless and counts as the largest.

    Raises ValueError for what is not digits.
    """
    if not text.isdecimal():
        raise ValueError("not a whole number")
    plain = text.lstrip("0")
    return int(plain or "0") if len(plain) <= len(str(_MOST)) else _MOST
