"""The SELECT list of a plain query: fields, parents, FIELDS(), TYPEOF, subqueries, functions that show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sfsync.rehearsal import errors
from sfsync.rehearsal.schema.model import Child, SObject
from sfsync.rehearsal.soql.functions import operand
from sfsync.rehearsal.soql.level import Level
from sfsync.rehearsal.soql.scope import Column, Scope, Step
from sfsync.rehearsal.soql.select import Build, Node, Outputs, compound, head_of, head_of_many, leaf
from sfsync.rehearsal.soql.tree import CallItem, ChildItem, FieldItem, Item, Path, Query, TypeOfItem

MAX_FIELDS_LIMIT = 200
MAX_CHILDREN = 20

ChildLevel = Callable[[ChildItem, Child, SObject], Level]


@dataclass
class Items:
    """Compiles the list of one scope; ``child_level`` compiles a subquery."""

    scope: Scope
    query: Query
    child_level: ChildLevel

    def __post_init__(self) -> None:
        self.outputs = Outputs()
        self.columns: list[str] = []
        self.children: list[tuple[str, Level]] = []
        self.long_texts = 0
        self._seen: set[str] = set()

    def compiled(self) -> Build:
        scope = self.scope
        root = Node(id_place=self.outputs.place(f"{scope.root}.Id"), head=head_of(scope.obj, scope.session.version))
        for item in self.query.items:
            for one in self._expanded(item):
                self._item(root, one)
        return root.build()

    def _item(self, root: Node, item: Item) -> None:
        if isinstance(item, FieldItem):
            if item.alias is not None:
                raise errors.malformed_query("only aggregate expressions use field aliasing")
            self._field(root, item.path)
        elif isinstance(item, CallItem):
            self._call(root, item)
        elif isinstance(item, ChildItem):
            self._child(root, item)
        else:
            self._type_of(root, item)

    # -- fields -------------------------------------------------------------------------------------------

    def _expanded(self, item: Item) -> list[Item]:
        if not isinstance(item, CallItem) or item.call.name != "FIELDS":
            return [item]
        argument = item.call.argument
        if item.alias is not None or not isinstance(argument, Path) or len(item.call.arguments) != 1:
            raise errors.unexpected_token_at(self.scope.soql, item.call.at + len("FIELDS"), "(")
        return [FieldItem(one, None) for one in self._fields_of(argument)]

    def _fields_of(self, what: Path) -> list[Path]:
        """FIELDS(ALL), FIELDS(STANDARD), FIELDS(CUSTOM)."""
        wanted = {"ALL": (True, False), "STANDARD": (False,), "CUSTOM": (True,)}.get(what.text.upper())
        if wanted is None:
            raise errors.unexpected_token_at(self.scope.soql, what.at, what.text)
        if what.text.upper() != "STANDARD" and not 0 < (self.query.limit or 0) <= MAX_FIELDS_LIMIT:
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
        self._once(".".join([*names, column.field.name]))
        self.columns.append(".".join([*names, column.field.name]))
        self.long_texts += column.field.long_text
        obj = steps[-1].parents[0] if steps else self.scope.obj
        node.entries[column.field.name] = self._leaf(obj, column)

    def _once(self, flat: str) -> None:
        if flat.lower() in self._seen:
            raise errors.duplicate_field(flat)
        self._seen.add(flat.lower())

    def _leaf(self, obj: SObject, column: Column) -> Build:
        if not column.field.parts:
            return leaf(column, self.outputs)
        parts = [(key, self.scope.leaf(obj, column.alias, name, column.at)) for key, name in column.field.parts]
        return compound([(key, leaf(one, self.outputs)) for key, one in parts])

    def _parent(self, node: Node, step: Step) -> Node:
        key = str(step.field.relationship_name)
        if key not in node.nodes:
            version = self.scope.session.version
            if step.polymorphic:
                head = head_of_many(step.parents, version, "Name")
                made = Node(id_place=self.outputs.place(step.key_sql), head=head)
            else:
                place = self.outputs.place(f"{step.alias}.Id")
                made = Node(id_place=place, head=head_of(step.parents[0], version))
            node.nodes[key] = made
            node.entries[key] = lambda row: None
        return node.nodes[key]

    def _call(self, root: Node, item: CallItem) -> None:
        """FORMAT and toLabel show under the field's name or an alias, DISTANCE under exprN."""
        column = operand(self.scope, item.call, shown=True)
        name = item.alias or column.field.name or f"expr{sum(one.startswith('expr') for one in self.columns)}"
        self._once(name)
        self.columns.append(name)
        root.entries[name] = leaf(column, self.outputs)

    # -- TYPEOF -------------------------------------------------------------------------------------------

    def _type_of(self, root: Node, item: TypeOfItem) -> None:
        """The parent shows the fields of the branch its object falls into."""
        step = self._type_step(root, item)
        builds: dict[str, Build] = {}
        for name, paths in item.branches:
            obj = next((one for one in step.parents if one.name.lower() == name.text.lower()), None)
            if obj is None:
                raise self.scope.fail("INVALID_TYPE", name.at, errors.not_supported(name.text))
            builds[obj.prefix] = self._branch(step, obj, paths)
        for obj in step.parents:
            if obj.prefix not in builds:
                columns = [self.scope.common(step, one.text, one.at) for one in item.otherwise]
                builds[obj.prefix] = self._branch_of(step, obj, columns)
        place = self.outputs.place(step.key_sql)
        key = str(step.field.relationship_name)
        root.entries[key] = lambda row: None if row[place] is None else builds[row[place][:3]](row)

    def _type_step(self, root: Node, item: TypeOfItem) -> Step:
        scope = self.scope
        step = scope.step(scope.obj, scope.root, item.path.text, item.path.at)
        key = str(step.field.relationship_name)
        if not step.polymorphic:
            text = f"TYPEOF can only be used with a polymorphic relationship: {item.path.shown}"
            raise scope.fail("INVALID_FIELD", item.path.at, text)
        if key in root.entries:
            raise errors.duplicate_field(key)
        return step

    def _branch(self, step: Step, obj: SObject, paths: tuple[Path, ...]) -> Build:
        alias = self.scope.join(step, obj)
        return self._branch_of(step, obj, [self.scope.leaf(obj, alias, one.text, one.at) for one in paths])

    def _branch_of(self, step: Step, obj: SObject, columns: list[Column]) -> Build:
        node = Node(id_place=self.outputs.place(step.key_sql), head=head_of(obj, self.scope.session.version))
        for one in columns:
            node.entries[one.field.name] = self._leaf(obj, one)
        return node.build()

    # -- subqueries ---------------------------------------------------------------------------------------

    def _child(self, root: Node, item: ChildItem) -> None:
        """``Contacts``, also with the parent's name or alias before it."""
        scope, source = self.scope, item.query.source
        *before, name = source.parts
        own: tuple[list[str], ...] = ([], [scope.obj.name.lower()], [(scope.alias or "").lower()])
        child = scope.obj.child(name) if [one.lower() for one in before] in own else None
        obj = scope.session.schema.objects.get(child.object) if child is not None else None
        if child is None or obj is None or not obj.stored:
            raise scope.fail("INVALID_TYPE", source.at, errors.no_such_child_relationship(source.shown))
        if len(self.children) >= MAX_CHILDREN:
            raise errors.malformed_query(f"A query may use no more than {MAX_CHILDREN} parent-to-child relationships")
        key = str(child.field.child_name)
        self._once(key)
        self.children.append((key, self.child_level(item, child, obj)))
        root.entries[key] = lambda row: None  # filled for many parents at a time by the runner
