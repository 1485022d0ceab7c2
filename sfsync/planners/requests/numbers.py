"""Amounts and quantities as Italians write them (domain requests D.4.2, 16-19)."""

from __future__ import annotations

import re

Said = tuple[str | None, tuple[str, ...]]

_LONGEST = 15  # digits of an amount in minor units
_SIGNS = re.compile(r"(?i)€|eur(?:o)?|[\s\u00a0\u2009\u202f'’]")
_NEGATIVE = re.compile(r"-.*|.*[^,.]-|\(.*\)")  # the dash of ``50,-`` stands for cents
_GROUPED = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,(\d{1,2}))?")
_ENGLISH = re.compile(r"\d{1,3}(?:,\d{3})+\.(\d{1,2})")
_PLAIN = re.compile(r"\d+(?:,(\d{1,2}))?")
_POINT = re.compile(r"\d+\.\d{1,2}")
_SCIENTIFIC = re.compile(r"\d+(?:[.,]\d+)?e\+?\d+", re.I)
_ONE_GROUP = re.compile(r"\d{1,3}\.\d{3}")


def money(text: str) -> Said:
    """Minor units of two decimals. Below zero is E-AMOUNT-NEG, what could be two numbers E-NUM, lost digits E-SCI."""
    bare = _SIGNS.sub("", text).replace("\u2212", "-").removeprefix("+")
    negative = bool(_NEGATIVE.fullmatch(bare)) and any(c.isdigit() for c in bare)
    number, codes = _number(bare.strip("-()"))
    if negative:
        return None, ("E-AMOUNT-NEG",)
    if number is None and _SCIENTIFIC.fullmatch(bare):
        return None, ("E-SCI",)
    if number is None or len(number) > _LONGEST:
        return None, ("E-NUM",)
    return str(int(number)), codes


def _number(bare: str) -> tuple[str | None, tuple[str, ...]]:
    """Digits of the minor units and warnings; None where it is no number."""
    if not bare.isascii():
        return None, ()
    if found := _PLAIN.fullmatch(bare):
        return _minor(bare.split(",")[0], found[1]), ()
    if found := _GROUPED.fullmatch(bare):
        warn = ("W-NUM-GROUP",) if _ONE_GROUP.fullmatch(bare) else ()
        return _minor(bare.split(",")[0].replace(".", ""), found[1]), warn
    if found := _ENGLISH.fullmatch(bare):
        return _minor(bare.split(".")[0].replace(",", ""), found[1]), ("W-NUM-EN",)
    if _POINT.fullmatch(bare):  # not three digits behind the point: no group of thousands
        head, _, tail = bare.partition(".")
        return _minor(head, tail), ("W-NUM-EN",)
    return None, ()


def _minor(head: str, tail: str | None) -> str:
    return head + (tail or "").ljust(2, "0")


def whole(text: str) -> Said:
    """A number of things; a unit behind it (``10 pz``) does not matter."""
    found = re.fullmatch(r"(-?)\s*(\d{1,9})(?:[.,]0+)?\s*(?:pz|pezzi|n|nr|x|rotoli|rate)?\.?", text.strip(), re.I)
    if found is None:
        return None, ("E-NUM",)
    return (None, ("E-AMOUNT-NEG",)) if found[1] else (str(int(found[2])), ())
