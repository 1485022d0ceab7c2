"""Text to tree, by descent. Everything that is wrong here is MALFORMED_QUERY (wire reference 9.1, 9.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sfsync.rehearsal import digits, errors
from sfsync.rehearsal.soql.conditions import Conditions
from sfsync.rehearsal.soql.reader import Reader
from sfsync.rehearsal.soql.tokens import Token, tokens
from sfsync.rehearsal.soql.tree import (
    CallItem,
    ChildItem,
    FieldItem,
    Item,
    Operand,
    Order,
    Path,
    Query,
    TypeOfItem,
)

MAX_LENGTH = 100_000
MAX_COUNT = 2**31 - 1
_SCOPES = frozenset(
    {"DELEGATED", "EVERYTHING", "MINE", "MINE_AND_MY_GROUPS", "MY_TERRITORY", "MY_TEAM_TERRITORY", "TEAM"}
    | {"SCOPINGRULE"}
)
# Words that cannot be an alias: they begin the next clause.
_CLAUSES = frozenset(
    {"FROM", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "UPDATE", "USING", "ALL", "SET"}
    | {"AND", "ASC", "DESC", "EXCLUDES", "FIRST", "IN", "INCLUDES", "LAST", "LIKE", "NOT", "NULL", "NULLS", "OR"}
    | {"SELECT"}
)


def parse(soql: str, version: str = "60.0") -> Query:
    """The tree of one query. Raises OrgError MALFORMED_QUERY."""
    if len(soql) > MAX_LENGTH:
        raise errors.query_too_long(MAX_LENGTH)
    number = float(version)
    reader = Reader(soql, tokens(soql, number), number)
    return _Parser(reader).whole()


class _Parser(Conditions):
    """The clauses of a query, in their order."""

    def whole(self) -> Query:
        query = self.query()
        if self.reader.now.kind != "end":
            self._refuse_rest()
        return query

    def query(self) -> Query:
        self.reader.expect("SELECT")
        items = self._items()
        self.reader.expect("FROM")
        query = self._source(items)
        if self.reader.take("WHERE"):
            query = replace(query, where=self.condition())
        self._with(query)
        query = self._group(query)
        if self.reader.take("ORDER"):
            self.reader.expect("BY")
            query = replace(query, order=tuple(self._list(self._order)))
        query = replace(query, limit=self._count("LIMIT"), offset=self._count("OFFSET"))
        self._purposes()
        return query

    # -- SELECT -------------------------------------------------------------------------------------------

    def _items(self) -> tuple[Item, ...]:
        if self.reader.now.word == "FROM" and self.reader.version >= 61:
            raise errors.unexpected_token_at(self.reader.text, self.reader.now.at, "SELECT FROM")
        return tuple(self._list(self._item))

    def _list(self, one: Any) -> list[Any]:
        found = [one()]
        while self.reader.take_sign(","):
            found.append(one())
        return found

    def _item(self) -> Item:
        reader = self.reader
        if reader.take_sign("("):
            child = ChildItem(self.query())
            reader.expect_sign(")")
            return child
        if reader.now.word == "TYPEOF" and reader.ahead.kind == "name" and reader.ahead.word not in _CLAUSES:
            return self._type_of()
        one = self._selected()
        alias = self._alias()
        return FieldItem(one, alias) if isinstance(one, Path) else CallItem(one, alias)

    def _selected(self) -> Operand:
        if self.reader.now.word in _CLAUSES:
            raise self.reader.unexpected()
        return self.operand()

    def _alias(self) -> str | None:
        now = self.reader.now
        if now.kind not in ("name", "currency") or now.word in _CLAUSES or "." in now.text:
            return None
        return self.reader.next().text

    def _type_of(self) -> TypeOfItem:
        reader = self.reader
        reader.next()
        path = self.path()
        branches = []
        while reader.take("WHEN"):
            name = self.path()
            reader.expect("THEN")
            branches.append((name, tuple(self._list(self.path))))
        if not branches:
            raise reader.unexpected()
        otherwise = tuple(self._list(self.path)) if reader.take("ELSE") else ()
        reader.expect("END")
        return TypeOfItem(path, tuple(branches), otherwise)

    # -- FROM ---------------------------------------------------------------------------------------------

    def _source(self, items: tuple[Item, ...]) -> Query:
        (source, alias), *joined = self._list(self._table)
        scope = None
        if self.reader.take("USING"):
            self.reader.expect("SCOPE")
            scope = self.path()
            if scope.text.upper() not in _SCOPES:
                raise errors.unexpected_token_at(self.reader.text, scope.at, scope.text)
        return Query(items, source, alias, tuple(joined), scope)

    def _table(self) -> tuple[Path, str | None]:
        if self.reader.now.word in _CLAUSES and self.reader.now.word not in ("GROUP", "ORDER", "SET", "UPDATE", "ALL"):
            raise self.reader.unexpected()
        path = self.path()
        if self.reader.now.word == "AS":
            self.reader.next()
            return path, self.path().text
        return path, self._alias()

    # -- the other clauses --------------------------------------------------------------------------------

    def _with(self, query: Query) -> None:
        if not self.reader.take("WITH"):
            return
        what = self.reader.next()
        if what.word in ("SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"):
            raise errors.apex_only(what.text, self.reader.version)
        if what.word == "DATA" and self.reader.take("CATEGORY"):
            raise errors.no_data_categories(query.source.text)
        raise errors.unexpected_token_at(self.reader.text, what.at, what.text)

    def _group(self, query: Query) -> Query:
        if not self.reader.take("GROUP"):
            return query
        self.reader.expect("BY")
        mode = self.reader.now.word if self.reader.ahead.text == "(" else ""
        if mode in ("ROLLUP", "CUBE"):
            self.reader.next()
            self.reader.expect_sign("(")
            group = tuple(self._list(self.operand))
            self.reader.expect_sign(")")
        else:
            mode, group = "", tuple(self._list(self.operand))
        having = self.condition() if self.reader.take("HAVING") else None
        return replace(query, group=group, grouping=mode, having=having)

    def _order(self) -> Order:
        one = self.operand()
        descending = self.reader.take("DESC")
        if not descending:
            self.reader.take("ASC")
        last = False
        if self.reader.take("NULLS"):
            last = self.reader.take("LAST")
            if not last:
                self.reader.expect("FIRST")
        return Order(one, descending, last)

    def _count(self, word: str) -> int | None:
        if not self.reader.take(word):
            return None
        found = self.reader.next()
        if found.kind == "bind":
            raise errors.bind_variable()
        if found.kind != "number" or not found.text.isdigit():
            raise errors.unexpected_token_at(self.reader.text, found.at, found.text)
        return min(digits.number(found.text), MAX_COUNT)

    def _purposes(self) -> None:
        """FOR VIEW, FOR REFERENCE, UPDATE TRACKING, UPDATE VIEWSTAT: they change nothing in the answer."""
        reader = self.reader
        while reader.take("FOR"):
            self._choose("VIEW", "REFERENCE")
        while reader.take("UPDATE"):
            self._choose("TRACKING", "VIEWSTAT")
            while reader.take_sign(","):
                self._choose("TRACKING", "VIEWSTAT")

    def _choose(self, *words: str) -> None:
        if self.reader.now.word not in words:
            raise self.reader.unexpected()
        self.reader.next()

    def _refuse_rest(self) -> None:
        now: Token = self.reader.now
        if now.word == "ALL" and self.reader.ahead.word == "ROWS":
            raise errors.malformed_query("ALL ROWS not allowed in this context")
        raise self.reader.unexpected()
