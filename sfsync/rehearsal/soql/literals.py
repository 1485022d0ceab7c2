"""Tokens to values: strings and their escapes, numbers, dates, date literals (wire reference 9.2)."""

from __future__ import annotations

import re
import sys

from sfsync.rehearsal import errors
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.soql import dates
from sfsync.rehearsal.soql.tokens import Token
from sfsync.rehearsal.soql.tree import Literal

MAX_STRING = 4000
_MOST_DIGITS = 300  # of a number that is looked at as a whole one
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_HALVES = re.compile("[\ud800-\udfff]")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_CONSTANTS = {"TRUE": True, "FALSE": False}
KINDS = frozenset({"string", "datetime", "date", "currency", "counted", "number", "bind", "name"})


def literal(token: Token, *, like: bool = False) -> Literal | None:
    """The value of a token; None for a word that is none. Raises OrgError MALFORMED_QUERY."""
    text, at = token.text, token.at
    if token.kind == "string":
        return Literal("string", _string(text[1:-1], like=like), at)
    if token.kind == "number":
        return Literal("number", _number(text), at)
    if token.kind == "datetime":
        return Literal("datetime", dates.moment(text), at)
    if token.kind == "date":
        return Literal("date", dates.day(text), at)
    if token.kind == "currency":
        return Literal("currency", text, at)
    if token.kind == "bind":
        raise errors.bind_variable()
    if token.word in _CONSTANTS:
        return Literal("boolean", _CONSTANTS[token.word], at)
    if token.word == "NULL":
        return Literal("null", None, at)
    found = dates.literal(text)
    return None if found is None else Literal("range", found, at)


def _number(text: str) -> int | float:
    """Whole numbers as such while the store can hold them; nothing is infinite."""
    if not re.search(r"[.eE]", text) and len(text) <= _MOST_DIGITS and abs(int(text)) < 2**63:
        return int(text)
    return min(max(float(text), -sys.float_info.max), sys.float_info.max)


def _string(text: str, *, like: bool) -> str:
    value = unescape(text, like=like) if "\\" in text or _HALVES.search(text) else text
    if len(value) > MAX_STRING:
        raise errors.string_too_long(MAX_STRING)
    return value


def unescape(text: str, *, like: bool = False) -> str:
    """The value of a quoted literal. In LIKE patterns ``\\_`` and ``\\%`` stay escaped, as does a backslash."""

    def one(found: re.Match[str]) -> str:
        letter = found.group(1)
        if len(letter) == 5:
            return chr(int(letter[1:], 16))
        if like and letter in "_%\\":
            return f"\\{letter}"
        if letter not in _ESCAPES:
            raise _illegal(letter)
        return _ESCAPES[letter]

    value = _ESCAPE.sub(one, text)
    try:
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as half:
        raise errors.malformed_query("Incomplete surrogate pair in string literal") from half


def _illegal(letter: str) -> OrgError:
    return errors.malformed_query(f"Illegal escape sequence '\\{letter}' in string literal")
