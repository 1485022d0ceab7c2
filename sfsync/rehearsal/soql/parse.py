"""Text to tree. Everything that is wrong here is MALFORMED_QUERY (wire reference 9.1, 9.2)."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken, VisitError

from sfsync.rehearsal import errors
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.soql import dates
from sfsync.rehearsal.soql.tree import (
    AllOf,
    AnyOf,
    Call,
    CallItem,
    ChildItem,
    Compare,
    FieldItem,
    Includes,
    InQuery,
    InValues,
    Literal,
    Negated,
    Order,
    Path,
    Query,
    TypeOfItem,
)

MAX_LENGTH = 100_000
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_CONSTANTS = {"true": True, "false": False}


def parse(soql: str) -> Query:
    """The tree of one query. Raises OrgError MALFORMED_QUERY."""
    if len(soql) > MAX_LENGTH:
        raise errors.query_too_long(MAX_LENGTH)
    if not soql.isascii() and (half := re.search("[\ud800-\udfff]", soql)):
        raise errors.unexpected_token(ascii(half.group())[1:-1])
    try:
        tree: Any = _parser().parse(soql)
    except UnexpectedToken as wrong:
        raise _empty(soql) or _unexpected(wrong.token) from None
    except UnexpectedEOF:
        raise errors.unexpected_token("<EOF>") from None
    except UnexpectedCharacters as wrong:
        text = f"line {wrong.line}:{wrong.column - 1} unexpected token: '{wrong.char}'"
        raise errors.malformed_query(text) from None
    except VisitError as wrong:
        raise wrong.orig_exc from None
    query: Query = tree
    return query


def _empty(soql: str) -> OrgError | None:
    """Two things that come up empty are named as a whole."""
    found = re.match(r"\s*(select\s+from)\b", soql, re.IGNORECASE)
    found = found or re.search(r"([\w.]+\s+(?:not\s+)?in\s*\(\s*\))", soql, re.IGNORECASE)
    return errors.unexpected_token(found.group(1)) if found else None


def _unexpected(token: Token) -> OrgError:
    if token.type == "BIND":
        return errors.malformed_query("Bind variables only allowed in Apex code")
    return errors.unexpected_token("<EOF>" if token.type == "$END" else str(token))


@cache
def _parser() -> Lark:
    grammar = files("sfsync.rehearsal.soql").joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", transformer=_Tree(), maybe_placeholders=False)


def unescape(text: str, *, like: bool = False) -> str:
    """The value of a quoted literal. In LIKE patterns ``\\_`` and ``\\%`` stay escaped, as does a backslash."""

    def one(found: re.Match[str]) -> str:
        letter = found.group(1)
        if len(letter) == 5:
            return chr(int(letter[1:], 16))
        if like and letter in "_%\\":
            return f"\\{letter}"
        if letter not in _ESCAPES:
            raise errors.malformed_query(f"Illegal escape sequence '\\{letter}' in string literal")
        return _ESCAPES[letter]

    return _ESCAPE.sub(one, text)


class _Tree(Transformer[Token, Any]):
    """Builds the dataclasses of ``tree``; tokens of the grammar's words are dropped by the methods."""

    def start(self, found: list[Any]) -> Query:
        query: Query = found[0]
        return query

    def query(self, found: list[Any]) -> Query:
        parts: dict[str, Any] = dict(one for one in found if isinstance(one, tuple))
        source, alias = parts.pop("source")
        return Query(items=parts.pop("items"), source=source, alias=alias, **parts)

    def select_list(self, found: list[Any]) -> tuple[str, Any]:
        return "items", tuple(found)

    def source(self, found: list[Token]) -> tuple[str, Any]:
        names = [one for one in found if one.type == "PATH"]
        return "source", (_path(names[0]), str(names[1]) if len(names) > 1 else None)

    def for_what(self, found: list[Any]) -> None:
        return None

    def alias(self, found: list[Token]) -> str:
        return str(found[0])

    def call(self, found: list[Token]) -> Call:
        argument = _path(found[1]) if len(found) > 1 else None
        return Call(str(found[0]).upper(), argument, _at(found[0]))

    def field_item(self, found: list[Any]) -> FieldItem:
        return FieldItem(_path(found[0]), found[1] if len(found) > 1 else None)

    def call_item(self, found: list[Any]) -> CallItem:
        return CallItem(found[0], found[1] if len(found) > 1 else None)

    def child_item(self, found: list[Any]) -> ChildItem:
        return ChildItem(found[0])

    def typeof_item(self, found: list[Any]) -> TypeOfItem:
        branches = tuple(one[1] for one in found if isinstance(one, tuple) and one[0] == "when")
        otherwise = next((one[1] for one in found if isinstance(one, tuple) and one[0] == "else"), ())
        return TypeOfItem(_path(found[1]), branches, otherwise)

    def when(self, found: list[Token]) -> tuple[str, Any]:
        paths = [_path(one) for one in found if one.type == "PATH"]
        return "when", (paths[0], tuple(paths[1:]))

    def otherwise(self, found: list[Token]) -> tuple[str, Any]:
        return "else", tuple(_path(one) for one in found if one.type == "PATH")

    def where(self, found: list[Any]) -> tuple[str, Any]:
        return "where", found[1]

    def having(self, found: list[Any]) -> tuple[str, Any]:
        return "having", found[1]

    def group(self, found: list[Any]) -> tuple[str, Any]:
        return "group", tuple(found[1:])

    def order(self, found: list[Any]) -> tuple[str, Any]:
        return "order", tuple(found[1:])

    def order_item(self, found: list[Any]) -> Order:
        words = {one.type for one in found[1:]}
        return Order(found[0], "DESC" in words, "NULLS_LAST" in words)

    def limit(self, found: list[Token]) -> tuple[str, int]:
        return "limit", _whole(found[1])

    def offset(self, found: list[Token]) -> tuple[str, int]:
        return "offset", _whole(found[1])

    def all_of(self, found: list[Any]) -> AllOf:
        return AllOf(tuple(one for one in found if not isinstance(one, Token)))

    def any_of(self, found: list[Any]) -> AnyOf:
        return AnyOf(tuple(one for one in found if not isinstance(one, Token)))

    def negated(self, found: list[Any]) -> Negated:
        return Negated(found[1])

    def operand(self, found: list[Any]) -> Path | Call:
        return found[0] if isinstance(found[0], Call) else _path(found[0])

    def compare(self, found: list[Any]) -> Compare:
        operator = "!=" if str(found[1]) == "<>" else str(found[1])
        return Compare(found[0], operator, _literal(found[2]))

    def like(self, found: list[Any]) -> Compare:
        return Compare(found[0], "LIKE", _literal(found[2], like=True))

    def in_values(self, found: list[Any]) -> InValues:
        return InValues(found[0], found[2], negated=False)

    def not_in_values(self, found: list[Any]) -> InValues:
        return InValues(found[0], found[2], negated=True)

    def in_query(self, found: list[Any]) -> InQuery:
        return InQuery(found[0], found[2], negated=False)

    def not_in_query(self, found: list[Any]) -> InQuery:
        return InQuery(found[0], found[2], negated=True)

    def includes(self, found: list[Any]) -> Includes:
        return Includes(found[0], found[2], negated=False)

    def excludes(self, found: list[Any]) -> Includes:
        return Includes(found[0], found[2], negated=True)

    def values(self, found: list[Token]) -> tuple[Literal, ...]:
        return tuple(_literal(one) for one in found)

    def value(self, found: list[Token]) -> Token:
        return found[0]


def _at(token: Token) -> int:
    return token.start_pos or 0


def _path(token: Token) -> Path:
    return Path(str(token), _at(token))


def _whole(token: Token) -> int:
    if not str(token).isdigit():
        raise errors.unexpected_token(str(token))
    return int(token)


def _literal(token: Token, *, like: bool = False) -> Literal:
    text, at = str(token), _at(token)
    if token.type == "STRING":
        return Literal("string", unescape(text[1:-1], like=like), at)
    if token.type == "NUMBER":
        return Literal("number", float(text) if re.search(r"[.eE]", text) else int(text), at)
    if token.type == "DATETIME":
        return Literal("datetime", dates.moment(text), at)
    if token.type == "DATE":
        return Literal("date", dates.day(text), at)
    if token.type == "BIND":
        raise _unexpected(token)
    return _word(text, at)


def _word(text: str, at: int) -> Literal:
    if text.lower() in _CONSTANTS:
        return Literal("boolean", _CONSTANTS[text.lower()], at)
    if text.lower() == "null":
        return Literal("null", None, at)
    found = dates.literal(text)
    if found is None:
        raise errors.unexpected_token(text)
    return Literal("range", found, at)
