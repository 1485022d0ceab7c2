"""Tree to SQL, one level of a query at a time."""

from __future__ import annotations

from dataclasses import replace

from sfsync.rehearsal import errors
from sfsync.rehearsal.schema.model import Child, SObject
from sfsync.rehearsal.soql import picklists, semijoins
from sfsync.rehearsal.soql.counting import window
from sfsync.rehearsal.soql.functions import SHOWING, is_aggregate, operand
from sfsync.rehearsal.soql.groups import Groups
from sfsync.rehearsal.soql.items import Items
from sfsync.rehearsal.soql.level import Level
from sfsync.rehearsal.soql.scope import Column, Names, Scope, Session
from sfsync.rehearsal.soql.tree import (
    AllOf,
    CallItem,
    ChildItem,
    Compare,
    Condition,
    InQuery,
    InValues,
    Path,
    Query,
)
from sfsync.rehearsal.soql.where import Where
from sfsync.rehearsal.store.tables import quoted

MAX_OFFSET = 2000
MAX_CHILDREN = 20
MAX_DEPTH = 5  # levels of a query, from version 58; 2 before


def compiled(session: Session, soql: str, query: Query, *, all_rows: bool) -> Level:
    """Compiles a whole query. Raises OrgError."""
    obj = session.schema.find(query.source.text)
    if obj is None or "Q" not in obj.calls or not obj.stored:
        raise errors.at_position("INVALID_TYPE", soql, query.source.at, errors.not_supported(query.source.text))
    scope = Scope(session, soql, obj, query.alias, Names(), all_rows)
    _check_filter(scope, query.where)
    return _Compiler(scope, query).level()


def _check_filter(scope: Scope, where: Condition | None) -> None:
    """Objects such as ContentDocumentLink are shown from one of their ends only."""
    wanted = scope.obj.needs_filter
    if not wanted:
        return
    terms = where.terms if isinstance(where, AllOf) else (where,)
    named = {name for one in terms if one is not None and (name := _chosen(one)) is not None}
    if named & {name.lower() for name in wanted}:
        return
    raise errors.needs_filter(scope.obj.name, wanted)


def _chosen(one: Condition) -> str | None:
    """The field of ``field = x``, of ``field IN (…)`` or of a semi-join on it."""
    equal = isinstance(one, Compare) and one.operator == "="
    listed = isinstance(one, InValues | InQuery) and not one.negated
    if not (equal or listed) or not isinstance(one, Compare | InValues | InQuery) or not isinstance(one.operand, Path):
        return None
    return one.operand.parts[-1].lower()


def _semi_join(outer: Scope, join: InQuery) -> str:
    """The inner query of ``Id IN (SELECT AccountId FROM …)``: one id field, no NULLs."""
    path, query = semijoins.check_sides(outer, join), join.query
    obj = outer.session.schema.find(query.source.text)
    if obj is None or not obj.stored:
        raise outer.fail("INVALID_TYPE", query.source.at, errors.not_supported(query.source.text))
    scope = Scope(outer.session, outer.soql, obj, query.alias, outer.names, outer.all_rows)
    steps, column = scope.path(path)
    if steps or column.field.type not in ("id", "reference"):
        raise semijoins.not_an_id(path.shown)
    compiler = _Compiler(scope, query)
    conditions = [f"{column.sql} IS NOT NULL", *compiler.living(), *compiler.conditions()]
    return f"SELECT {column.sql} FROM {compiler.tables()} WHERE {' AND '.join(conditions)}"  # noqa: S608


class _Compiler:
    """One level: ``child`` is the relationship it hangs on, for a subquery."""

    def __init__(self, scope: Scope, query: Query, child: Child | None = None, depth: int = 1) -> None:
        self.scope = scope
        self.query = query
        self.child = child
        self._depth = depth
        for path, alias in query.joined:
            self._join_alias(path, alias)

    def level(self) -> Level:
        if (self.query.offset or 0) > MAX_OFFSET:
            raise errors.offset_out_of_range(MAX_OFFSET)
        semijoins.check(self.query.where)
        if not self._is_aggregate():
            return self._records()
        if self.child is not None:
            raise errors.malformed_query("Only root queries support aggregate expressions")
        return self._count() if self._counts_rows() else self._aggregates()

    def _is_aggregate(self) -> bool:
        calls = [one.call for one in self.query.items if isinstance(one, CallItem)]
        plain = {*SHOWING, "FIELDS"}
        return bool(self.query.group) or any(is_aggregate(one) or one.name not in plain for one in calls)

    def _counts_rows(self) -> bool:
        item = self.query.items[0]
        bare = isinstance(item, CallItem) and item.call.name == "COUNT" and not item.call.arguments
        return bare and len(self.query.items) == 1 and not self.query.group

    # -- the three kinds of query -------------------------------------------------------------------------

    def _count(self) -> Level:
        level = self._frame(order=False)
        for one in self.query.order:
            raise errors.malformed_query(f"Ordered field must be grouped or aggregated: {one.operand.shown}")
        return replace(level, count_only=True)

    def _aggregates(self) -> Level:
        conditions = [*self.living(), *self.conditions()]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        groups = Groups(self.scope, self.query, _semi_join, lambda: f"FROM {self.tables()}{where}")
        whole, build = groups.compiled()
        level = self._frame(order=False, conditions=False)
        return replace(level, build=build, columns=groups.columns, aggregate=True, whole=whole + level._slice())

    def _records(self) -> Level:
        items = Items(self.scope, self.query, self._child_level)
        parent = ""
        if self.child is not None:
            parent = f"{self.scope.root}.{quoted(self.child.field.name)}"
            items.outputs.place(parent)
        build = items.compiled()
        id_place = items.outputs.place(f"{self.scope.root}.Id")
        level = self._frame(order=True)
        return replace(
            level,
            outputs=items.outputs.sql,
            build=build,
            columns=items.columns,
            id_place=id_place,
            parent=parent,
            children=items.children,
            long_texts=items.long_texts,
            functions=self.scope.names.functions,
        )

    def _frame(self, *, order: bool, conditions: bool = True) -> Level:
        """What all kinds share. FROM is put together last, when all joins are made."""
        wanted = self.conditions() if conditions else []
        ordered = self._order() if order else ""
        living = "".join(self.living())
        return Level(
            window=window(self._terms(), self.scope) if conditions and not self.query.scope else None,
            obj=self.scope.obj,
            values=self.scope.names.values,
            tables=self.tables(),
            conditions=wanted,
            living=living,
            order=ordered,
            limit=self.query.limit,
            offset=self.query.offset,
            root=self.scope.root,
            functions=self.scope.names.functions,
        )

    def _child_level(self, item: ChildItem, child: Child, obj: SObject) -> Level:
        most = MAX_DEPTH if self.scope.session.number >= 58 else 2
        if self._depth >= most:
            raise errors.malformed_query(errors.too_deep(most - 1))
        inner = Scope(self.scope.session, self.scope.soql, obj, item.query.alias, self.scope.names, self.scope.all_rows)
        return _Compiler(inner, item.query, child, self._depth + 1).level()

    # -- clauses ------------------------------------------------------------------------------------------

    def tables(self) -> str:
        """FROM with the joins made so far: call it after everything else is compiled."""
        return " ".join([f"{quoted(self.scope.obj.name)} {self.scope.root}", *self.scope.joins])

    def living(self) -> list[str]:
        hidden = self.scope.obj.bin and not self.scope.all_rows
        return [f"NOT {self.scope.root}.IsDeleted"] if hidden else []

    def conditions(self) -> list[str]:
        """The terms of WHERE and of USING SCOPE."""
        return self._of_scope() + [Where(self.scope, _semi_join).sql(one) for one in self._terms()]

    def _terms(self) -> list[Condition]:
        where = self.query.where
        terms = () if where is None else where.terms if isinstance(where, AllOf) else (where,)
        return [one for one in terms if self.scope.all_rows or not self._says_living(one)]

    def _says_living(self, one: Condition) -> bool:
        """``IsDeleted = false`` says what goes without saying, and would keep an index from serving a count."""
        if not isinstance(one, Compare) or not isinstance(one.operand, Path) or not self.scope.obj.bin:
            return False
        named = one.operand.text.lower() == "isdeleted" and one.operator == "="
        return named and one.value.kind == "boolean" and one.value.value is False

    def _of_scope(self) -> list[str]:
        """USING SCOPE: everything, and mine for what has an owner."""
        scope = self.query.scope
        name = scope.text.lower() if scope else "everything"
        if name in ("everything", "scopingrule"):
            return []
        if name != "mine" or not self.scope.obj.has("OwnerId"):
            raise errors.invalid_scope(scope.text if scope else name, self.scope.obj.name)
        return [f'{self.scope.root}."OwnerId" = {self.scope.names.bind(self.scope.session.user_id)}']

    def _join_alias(self, path: Path, alias: str | None) -> None:
        """``FROM Contact c, c.Account a``: a second name for a relationship of the first."""
        own = {self.scope.obj.name.lower(), (self.scope.alias or "").lower(), *self.scope.paths}
        first, *rest = path.parts
        if not rest or first.lower() not in own or alias is None:
            raise errors.another_driving_object(self.scope.obj.name)
        self.scope.paths[alias.lower()] = [*self.scope.paths.get(first.lower(), []), *rest]

    def _order(self) -> str:
        parts = []
        for one in self.query.order:
            if is_aggregate(one.operand):
                raise errors.malformed_query(f"Ordered field must be grouped or aggregated: {one.operand.shown}")
            column = operand(self.scope, one.operand)
            if not column.field.sortable or column.field.parts:
                text = f"field '{column.field.name}' can not be sorted in a query call"
                raise self.scope.fail("MALFORMED_QUERY", column.at, text)
            if isinstance(one.operand, Path):
                column = replace(column, sql=picklists.ordered(column, self.scope.names.bind))
            parts.append(_ordered(column, descending=one.descending, nulls_last=one.nulls_last))
        return f" ORDER BY {', '.join(parts)}" if parts else ""


def _ordered(column: Column, *, descending: bool, nulls_last: bool) -> str:
    """Empty fields come first unless asked otherwise, in both directions.

    Fields that are never empty go without a word about it: SQLite could not use an index otherwise. The empty ones
    among relationships' ids come first whatever is asked (SOQL guide, ORDER BY).
    """
    sql = f"{column.sql} DESC" if descending else column.sql
    if column.plain and not column.field.nillable:
        return sql
    if nulls_last and column.field.type != "reference":
        return f"{sql} NULLS LAST"
    return f"{sql} NULLS FIRST" if descending else sql
