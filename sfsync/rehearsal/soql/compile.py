"""Tree to SQL, one level of a query at a time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.schema.model import Child, SObject
from sfsync.rehearsal.soql.functions import is_aggregate, operand
from sfsync.rehearsal.soql.scope import Column, Names, Scope, Session, Step
from sfsync.rehearsal.soql.select import Build, Node, Outputs, head_of, head_of_many, leaf
from sfsync.rehearsal.soql.tree import (
    CallItem,
    ChildItem,
    FieldItem,
    Item,
    Operand,
    Path,
    Query,
    TypeOfItem,
)
from sfsync.rehearsal.soql.where import Where
from sfsync.rehearsal.store.tables import quoted

MAX_OFFSET = 2000
MAX_FIELDS_LIMIT = 200


@dataclass
class Level:
    """A compiled level, ready to run.

    ``sql`` takes ``values``; for a child level the parents' ids come first, as one JSON array, and the first output
    is the parent's id. ``count_only``: ``SELECT COUNT()``.
    """

    obj: SObject
    sql: str
    values: list[Any]
    build: Build
    columns: list[str]
    count_sql: str
    id_place: int = 0
    children: list[tuple[str, Level]] = field(default_factory=list)
    count_only: bool = False
    aggregate: bool = False


def compiled(session: Session, soql: str, query: Query, *, all_rows: bool) -> Level:
    """Compiles a whole query. Raises OrgError."""
    obj = session.schema.find(query.source.text)
    if obj is None or "Q" not in obj.calls:
        raise errors.at_position("INVALID_TYPE", soql, query.source.at, errors.not_supported(query.source.text))
    scope = Scope(session, soql, obj, query.alias, Names(), all_rows)
    return _Compiler(scope, query).level()


def _semi_join(outer: Scope, query: Query) -> tuple[str, list[Any]]:
    """The inner query of ``Id IN (SELECT AccountId FROM …)``: one field, no NULLs."""
    obj = outer.session.schema.find(query.source.text)
    if obj is None:
        raise outer.fail("INVALID_TYPE", query.source.at, errors.not_supported(query.source.text))
    scope = Scope(outer.session, outer.soql, obj, query.alias, outer.names, outer.all_rows)
    item = query.items[0]
    if len(query.items) != 1 or not isinstance(item, FieldItem):
        raise errors.malformed_query("The inner query of a semi-join selects exactly one field")
    column = scope.column(item.path)
    compiler = _Compiler(scope, query)
    where, values = compiler.where(f"{column.sql} IS NOT NULL")
    return f"SELECT {column.sql} FROM {compiler.tables()}{where}", values  # noqa: S608 - names from our schema


class _Compiler:
    """One level: ``child`` is the relationship it hangs on, for a subquery."""

    def __init__(self, scope: Scope, query: Query, child: Child | None = None) -> None:
        self.scope = scope
        self.query = query
        self.child = child
        self.query = replace(query, items=tuple(one for item in query.items for one in self._expanded(item)))
        self.outputs = Outputs()
        self.columns: list[str] = []
        self.children: list[tuple[str, Level]] = []
        self._seen: set[str] = set()

    def level(self) -> Level:
        """Compiles everything; the order of the calls is the order of the parameters."""
        query = self.query
        aggregate = bool(query.group) or any(isinstance(one, CallItem) for one in query.items)
        if aggregate and self._counts_rows():
            return self._count()
        if self.child is not None:
            self.outputs.place(f"{self.scope.root}.{quoted(self.child.field.name)}")
        build = self._aggregates() if aggregate else self._records()
        id_place = 0 if aggregate else self.outputs.place(f"{self.scope.root}.Id")
        where, values = self.where(*self._of_parents())
        group, more = self._group()
        order = self._order(aggregate)
        core = f"FROM {self.tables()}{where}{group}"
        counted = f"SELECT 1 {core}{self._limit()}"
        return Level(
            obj=self.scope.obj,
            sql=self._select(core, order),
            values=values + more,
            build=build,
            columns=self.columns,
            count_sql=f"SELECT COUNT(*) FROM ({counted})",  # noqa: S608 - schema names
            id_place=id_place,
            children=self.children,
            aggregate=aggregate,
        )

    # -- SELECT COUNT() -----------------------------------------------------------------------------------

    def _counts_rows(self) -> bool:
        item = self.query.items[0]
        bare = isinstance(item, CallItem) and item.call.name == "COUNT" and item.call.argument is None
        return bare and len(self.query.items) == 1 and not self.query.group

    def _count(self) -> Level:
        where, values = self.where()
        self._order(aggregate=False)
        counted = f"SELECT 1 FROM {self.tables()}{where}{self._limit()}"  # noqa: S608 - schema names
        sql = f"SELECT COUNT(*) FROM ({counted})"  # noqa: S608 - schema names
        return Level(self.scope.obj, sql, values, lambda row: None, [], sql, count_only=True)

    # -- plain records ------------------------------------------------------------------------------------

    def _records(self) -> Build:
        scope = self.scope
        root = Node(id_place=self.outputs.place(f"{scope.root}.Id"), head=head_of(scope.obj, scope.session.version))
        for item in self.query.items:
            if isinstance(item, FieldItem):
                if item.alias is not None:
                    raise errors.unexpected_token(item.alias)
                self._field(root, item.path)
            elif isinstance(item, ChildItem):
                self._child(root, item)
            elif isinstance(item, TypeOfItem):
                self._type_of(root, item)
        return root.build()

    def _expanded(self, item: Item) -> list[Item]:
        if isinstance(item, CallItem) and item.call.name == "FIELDS" and item.call.argument is not None:
            return [FieldItem(one, None) for one in self._fields_of(item.call.argument.text)]
        return [item]

    def _fields_of(self, what: str) -> list[Path]:
        """FIELDS(ALL), FIELDS(STANDARD), FIELDS(CUSTOM)."""
        wanted = {"ALL": (True, False), "STANDARD": (False,), "CUSTOM": (True,)}.get(what.upper())
        if wanted is None:
            raise errors.unexpected_token(what)
        if what.upper() != "STANDARD" and not 0 < (self.query.limit or 0) <= MAX_FIELDS_LIMIT:
            raise errors.malformed_query("The SOQL FIELDS function must have a LIMIT of at most 200")
        found = [Path(one.name, 0) for one in self.scope.obj.fields if one.custom in wanted]
        if not found:
            text = "'FIELDS(...)' expansion function must result in at least one field being selected."
            raise errors.malformed_query(text)
        return found

    def _field(self, root: Node, path: Path) -> None:
        steps, column = self.scope.path(path)
        node, names = root, []
        for step in steps:
            names.append(str(step.field.relationship_name))
            node = self._parent(node, step)
        names.append(column.field.name)
        flat = ".".join(names)
        if flat in self._seen:
            raise errors.OrgError("INVALID_FIELD", f"duplicate field selected: {flat}")
        self._seen.add(flat)
        self.columns.append(flat)
        node.entries[column.field.name] = leaf(column.field, self.outputs.place(column.sql))

    def _parent(self, node: Node, step: Step) -> Node:
        key = str(step.field.relationship_name)
        if key not in node.nodes:
            version = self.scope.session.version
            objects = [obj for obj, _ in step.targets]
            if step.polymorphic:
                made = Node(id_place=self.outputs.place(step.key_sql), head=head_of_many(objects, version, "Name"))
            else:
                obj, alias = step.targets[0]
                made = Node(id_place=self.outputs.place(f"{alias}.Id"), head=head_of(obj, version))
            node.nodes[key] = made
            node.entries[key] = lambda row: None
        return node.nodes[key]

    def _type_of(self, root: Node, item: TypeOfItem) -> None:
        """The parent shows the fields of the branch its object falls into."""
        scope = self.scope
        step = scope.step(scope.obj, scope.root, item.path.text, item.path.at)
        targets = {obj.name.lower(): (obj, alias) for obj, alias in step.targets}
        builds: dict[str, Build] = {}
        for name, paths in item.branches:
            if name.text.lower() not in targets:
                raise scope.fail("INVALID_TYPE", name.at, errors.not_supported(name.text))
            obj, alias = targets[name.text.lower()]
            columns = [scope.leaf(obj, alias, one.text, one.at) for one in paths]
            builds[obj.prefix] = self._branch(step, obj, columns)
        for obj, _ in step.targets:
            columns = [scope.common(step, one.text, one.at) for one in item.otherwise]
            builds.setdefault(obj.prefix, self._branch(step, obj, columns))
        place = self.outputs.place(step.key_sql)
        key = str(step.field.relationship_name)
        root.entries[key] = lambda row: None if row[place] is None else builds[row[place][:3]](row)

    def _branch(self, step: Step, obj: SObject, columns: list[Column]) -> Build:
        node = Node(id_place=self.outputs.place(step.key_sql), head=head_of(obj, self.scope.session.version))
        for one in columns:
            node.entries[one.field.name] = leaf(one.field, self.outputs.place(one.sql))
        return node.build()

    def _child(self, root: Node, item: ChildItem) -> None:
        scope, name = self.scope, item.query.source.text
        child = scope.obj.child(name)
        if child is None:
            raise scope.fail("INVALID_TYPE", item.query.source.at, errors.no_such_child_relationship(name))
        obj = scope.session.schema.objects[child.object]
        inner = Scope(scope.session, scope.soql, obj, item.query.alias, scope.names, scope.all_rows)
        level = _Compiler(inner, item.query, child).level()
        if level.aggregate or level.count_only:
            raise errors.malformed_query("Only root queries support aggregate expressions")
        key = str(child.field.child_name)
        self.children.append((key, level))
        root.entries[key] = lambda row: None  # filled for many parents at a time by the runner

    # -- groups -------------------------------------------------------------------------------------------

    def _aggregates(self) -> Build:
        grouped = {_text(one).lower() for one in self.query.group}
        leaves: list[tuple[str, Build]] = []
        unnamed = 0
        for item in self.query.items:
            if not isinstance(item, FieldItem | CallItem):
                raise errors.malformed_query("Aggregate queries select fields and functions only")
            one: Operand = item.path if isinstance(item, FieldItem) else item.call
            self._check_grouping(one, grouped)
            column = operand(self.scope, one)
            name = item.alias or (column.field.name if isinstance(item, FieldItem) else f"expr{unnamed}")
            unnamed += isinstance(item, CallItem) and item.alias is None
            leaves.append((name, leaf(column.field, self.outputs.place(column.sql))))
        self.columns = [name for name, _ in leaves]
        return lambda row: {"attributes": {"type": "AggregateResult"}} | {name: one(row) for name, one in leaves}

    def _check_grouping(self, one: Operand, grouped: set[str]) -> None:
        if is_aggregate(one):
            assert not isinstance(one, Path)
            if one.argument is not None and one.argument.text.lower() in grouped:
                if one.name.startswith("COUNT"):
                    return
                text = f"Grouped field should not be aggregated: {one.argument.text}"
                raise self.scope.fail("MALFORMED_QUERY", one.at, text)
        elif _text(one).lower() not in grouped:
            raise errors.malformed_query(f"Field must be grouped or aggregated: {_text(one)}")

    def _group(self) -> tuple[str, list[Any]]:
        columns = [self._groupable(one) for one in self.query.group]
        sql = f" GROUP BY {', '.join(columns)}" if columns else ""
        if self.query.having is None:
            return sql, []
        having, values = Where(self.scope, _semi_join, having=True).sql(self.query.having)
        return f"{sql} HAVING {having}", values

    def _groupable(self, one: Operand) -> str:
        column = operand(self.scope, one)
        if not column.field.groupable:
            text = f"field '{column.field.name}' can not be grouped in a query call"
            raise self.scope.fail("MALFORMED_QUERY", column.at, text)
        return column.sql

    # -- the other clauses --------------------------------------------------------------------------------

    def tables(self) -> str:
        """FROM with the joins made so far: call it after everything else is compiled."""
        return " ".join([f"{quoted(self.scope.obj.name)} {self.scope.root}", *self.scope.joins])

    def where(self, *more: str) -> tuple[str, list[Any]]:
        parts = list(more)
        values: list[Any] = []
        if self.scope.obj.bin and not self.scope.all_rows:
            parts.append(f'NOT {self.scope.root}."IsDeleted"')
        if self.query.where is not None:
            sql, values = Where(self.scope, _semi_join).sql(self.query.where)
            parts.append(sql)
        return (f" WHERE {' AND '.join(parts)}" if parts else ""), values

    def _of_parents(self) -> list[str]:
        if self.child is None:
            return []
        parent = f"{self.scope.root}.{quoted(self.child.field.name)}"
        return [f"{parent} IN (SELECT value FROM json_each(?))"]  # noqa: S608 - schema names

    def _order(self, aggregate: bool) -> str:
        parts = []
        for one in self.query.order:
            column = operand(self.scope, one.operand)
            if not column.field.sortable:
                text = f"field '{column.field.name}' can not be sorted in a query call"
                raise self.scope.fail("MALFORMED_QUERY", column.at, text)
            parts.append(_ordered(column, descending=one.descending, nulls_last=one.nulls_last))
        return f" ORDER BY {', '.join(parts)}" if parts else ""

    def _select(self, core: str, order: str) -> str:
        """LIMIT of a child level counts per parent."""
        outputs = self.outputs.sql
        if self.child is None or (self.query.limit is None and self.query.offset is None):
            return f"SELECT {', '.join(outputs)} {core}{order}{self._limit()}"
        parent = f"{self.scope.root}.{quoted(self.child.field.name)}"
        named = ", ".join(f"{sql} AS c{number}" for number, sql in enumerate(outputs))
        names = ", ".join(f"c{number}" for number in range(len(outputs)))
        ranked = f"SELECT {named}, ROW_NUMBER() OVER (PARTITION BY {parent}{order}) AS place {core}"
        first = self.query.offset or 0
        last = f" AND place <= {first + self.query.limit}" if self.query.limit is not None else ""
        return f"SELECT {names} FROM ({ranked}) WHERE place > {first}{last} ORDER BY place"  # noqa: S608

    def _limit(self) -> str:
        query = self.query
        if (query.offset or 0) > MAX_OFFSET:
            raise errors.offset_out_of_range(MAX_OFFSET)
        if query.limit is None and query.offset is None:
            return ""
        return f" LIMIT {-1 if query.limit is None else query.limit} OFFSET {query.offset or 0}"


def _text(one: Operand) -> str:
    if isinstance(one, Path):
        return one.text
    return f"{one.name}({one.argument.text if one.argument else ''})"


def _ordered(column: Column, *, descending: bool, nulls_last: bool) -> str:
    """Empty fields come first unless asked otherwise, in both directions."""
    sql = f"{column.sql} DESC" if descending else column.sql
    if nulls_last:
        return f"{sql} NULLS LAST"
    return f"{sql} NULLS FIRST" if descending else sql
