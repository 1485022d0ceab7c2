"""The part of the grammar that WHERE and HAVING share: operands, comparisons, AND, OR, NOT.

AND and OR do not mix on one level without parentheses (wire reference 9.1).
"""

from __future__ import annotations

from sfsync.rehearsal import errors
from sfsync.rehearsal.soql import literals
from sfsync.rehearsal.soql.reader import Reader
from sfsync.rehearsal.soql.tree import (
    AllOf,
    AnyOf,
    Call,
    Compare,
    Condition,
    Includes,
    InQuery,
    InValues,
    Literal,
    Negated,
    Operand,
    Path,
    Query,
)

_SIGNS = frozenset({"=", "!=", "<>", "<", "<=", ">", ">="})
# Words of the grammar that are no field's name: where a condition should begin, they are what is wrong.
_RESERVED = frozenset(
    {"AND", "ASC", "DESC", "EXCLUDES", "FIRST", "FROM", "GROUP", "HAVING", "IN", "INCLUDES", "LAST", "LIKE", "LIMIT"}
    | {"NULL", "NULLS", "OR", "ORDER", "SELECT", "USING", "WHERE", "WITH"}
)
MAX_NESTED_CALLS = 2


class Conditions:
    """Reads from ``reader``; ``query`` (of the whole parser) reads a subquery."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def query(self) -> Query:
        raise NotImplementedError

    def condition(self) -> Condition:
        terms = [self._term()]
        word = self.reader.now.word
        if word not in ("AND", "OR"):
            return terms[0]
        while self.reader.take(word):
            terms.append(self._term())
        if self.reader.now.word in ("AND", "OR"):
            raise self.reader.unexpected()
        return AllOf(tuple(terms)) if word == "AND" else AnyOf(tuple(terms))

    def _term(self) -> Condition:
        if self.reader.take("NOT"):
            return Negated(self._term())
        if self.reader.take_sign("("):
            inner = self.condition()
            self.reader.expect_sign(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        begin = self.reader.now.at
        if self.reader.now.word in _RESERVED:
            raise self.reader.unexpected()
        operand = self.operand()
        now = self.reader.now
        if now.kind == "sign" and now.text in _SIGNS:
            self.reader.next()
            return Compare(operand, "!=" if now.text == "<>" else now.text, self._value())
        if self.reader.take("LIKE"):
            return Compare(operand, "LIKE", self._pattern())
        negated = self.reader.take("NOT")
        if self.reader.take("IN"):
            return self._among(operand, begin, negated)
        if not negated and now.word in ("INCLUDES", "EXCLUDES"):
            self.reader.next()
            return Includes(operand, self._values(begin), now.word == "EXCLUDES")
        raise self.reader.unexpected()

    def _among(self, operand: Operand, begin: int, negated: bool) -> Condition:
        if self.reader.ahead.word == "SELECT" and self.reader.take_sign("("):
            inner = self.query()
            self.reader.expect_sign(")")
            return InQuery(operand, inner, negated)
        return InValues(operand, self._values(begin), negated)

    def _values(self, begin: int) -> tuple[Literal, ...]:
        if self.reader.now.kind == "bind":
            raise self.reader.unexpected()
        self.reader.expect_sign("(")
        if self.reader.now.text == ")" and self.reader.version >= 61:
            whole = " ".join(self.reader.text[begin : self.reader.now.at + 1].split())
            raise errors.unexpected_token_at(self.reader.text, begin, whole)
        values = [self._value()]
        while self.reader.take_sign(","):
            values.append(self._value())
        self.reader.expect_sign(")")
        return tuple(values)

    def _value(self) -> Literal:
        return self._literal(like=False)

    def _pattern(self) -> Literal:
        at = self.reader.now.at
        found = self._literal(like=True)
        if found.kind == "null":
            raise errors.at_position("MALFORMED_QUERY", self.reader.text, at, "invalid operator")
        return found

    def _literal(self, *, like: bool) -> Literal:
        now = self.reader.now
        found = literals.literal(now, like=like) if now.kind in literals.KINDS else None
        if found is None:
            raise self.reader.unexpected()
        self.reader.next()
        return found

    # -- operands -----------------------------------------------------------------------------------------

    def path(self) -> Path:
        token = self.reader.now
        # USD500 may also be somebody's name for a field; USD-500 and USD5.5 may not.
        if token.kind not in ("name", "currency") or (token.kind == "currency" and not token.text.isalnum()):
            raise self.reader.unexpected()
        self.reader.next()
        return Path(token.text, token.at)

    def operand(self, depth: int = 0) -> Operand:
        if self.reader.ahead.text != "(" or self.reader.now.kind != "name":
            return self.path()
        if depth > MAX_NESTED_CALLS:
            self.reader.next()
            raise self.reader.unexpected()
        name = self.reader.next()
        self.reader.next()
        arguments: list[Operand | Literal] = []
        if not self.reader.take_sign(")"):
            arguments.append(self._argument(depth))
            while self.reader.take_sign(","):
                arguments.append(self._argument(depth))
            self.reader.expect_sign(")")
        return Call(name.text.upper(), tuple(arguments), name.at)

    def _argument(self, depth: int) -> Operand | Literal:
        if self.reader.now.kind in ("string", "number"):
            return self._value()
        return self.operand(depth + 1)
