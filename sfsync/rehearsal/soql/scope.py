"""Names of one query level: fields and relationships to SQL columns, joins made on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sfsync.rehearsal import errors
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.schema.model import Field, Schema, SObject
from sfsync.rehearsal.soql.tree import Path
from sfsync.rehearsal.store.tables import quoted

MAX_LEVELS = 5
MAX_PARENTS = 55
# What an owner, a task's "who" or another polymorphic parent shows through its common face, the Name object.
NAME_FIELDS = frozenset(
    {"id", "name", "type", "firstname", "lastname", "email", "username", "alias", "phone", "title", "isactive"}
    | {"profileid", "userroleid", "recordtypeid"}
)
NAME_RELATIONS = frozenset({"profile", "userrole", "recordtype"})
_TYPE = Field("Type", "picklist", "Type", 40, nillable=True, groupable=True, sortable=True)


@dataclass(frozen=True)
class Session:
    """What a query depends on beside its text: the user's time zone and locale, the org's first fiscal month."""

    schema: Schema
    now: datetime
    zone: ZoneInfo
    version: str = "60.0"
    locale: str = "en_US"
    fiscal_month: int = 1
    user_id: str = ""

    @property
    def number(self) -> float:
        return float(self.version)


@dataclass(frozen=True, slots=True)
class Column:
    """A field in SQL. ``plain``: a column of the level's own table, so that its indexes can be used.

    ``show`` turns the value into what the answer holds, where the field's type does not say it (FORMAT).
    """

    sql: str
    field: Field
    at: int
    plain: bool
    alias: str
    show: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One relationship of a path: ``key_sql`` is the parent's id, ``parents`` the objects it may belong to."""

    field: Field
    key_sql: str
    parents: tuple[SObject, ...]
    alias: str

    @property
    def polymorphic(self) -> bool:
        return self.field.polymorphic


@dataclass
class Names:
    """Hands out table aliases and parameters over all levels of a query."""

    count: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    functions: bool = False  # Python functions are needed on the connection

    def next(self) -> str:
        self.count += 1
        return f"t{self.count - 1}"

    def bind(self, value: Any) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"


@dataclass
class Scope:
    """One level of a query. ``soql`` is the whole text, for error messages.

    ``paths``: further names of FROM and what they stand for. ``fixed``: SQL for whole operands by their text in
    lower case, for grouping sets in which a field has no value.
    """

    session: Session
    soql: str
    obj: SObject
    alias: str | None
    names: Names
    all_rows: bool
    root: str = ""
    joins: list[str] = field(default_factory=list)
    paths: dict[str, list[str]] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    _known: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = self.names.next()

    def fail(self, code: str, at: int, text: str) -> OrgError:
        return errors.at_position(code, self.soql, at, text)

    def path(self, path: Path) -> tuple[list[Step], Column]:
        """The relationships of a path and the column at its end. Raises OrgError with the place in the text."""
        parts, at = self._unqualified(path)
        steps: list[Step] = []
        for part in parts[:-1]:
            steps.append(self._follow(steps[-1] if steps else None, part, at))
        if len(steps) > MAX_LEVELS:
            raise self.fail("INVALID_FIELD", at, errors.too_many_levels(MAX_LEVELS))
        if not steps:
            return steps, self.leaf(self.obj, self.root, parts[-1], at)
        if steps[-1].polymorphic:
            return steps, self.common(steps[-1], parts[-1], at)
        return steps, self.leaf(steps[-1].parents[0], steps[-1].alias, parts[-1], at)

    def column(self, path: Path) -> Column:
        return self.path(path)[1]

    def _follow(self, last: Step | None, part: str, at: int) -> Step:
        if last is None:
            return self.step(self.obj, self.root, part, at)
        if last.polymorphic:
            return self._beyond(last, part, at)
        return self.step(last.parents[0], last.alias, part, at)

    def _unqualified(self, path: Path) -> tuple[list[str], int]:
        """Drops the object's own name or alias; the place then is the dot (wire reference 9.1)."""
        parts = path.parts
        if len(parts) == 1:
            return parts, path.at
        first = parts[0].lower()
        if first in self.paths:
            return [*self.paths[first], *parts[1:]], path.at
        if first in {self.obj.name.lower(), (self.alias or "").lower()} and self.obj.relation(first) is None:
            return parts[1:], path.at + path.text.index(".")
        return parts, path.at

    def step(self, obj: SObject, alias: str, name: str, at: int) -> Step:
        """Follows one relationship, joining what is behind it if there is only one object it can be."""
        link = obj.relation(name)
        if link is None:
            raise self.fail("INVALID_FIELD", at, errors.no_such_relationship(name))
        schema = self.session.schema
        parents = tuple(schema.objects[one] for one in link.reference_to if _readable(schema, one))
        if not parents:
            raise self.fail("INVALID_FIELD", at, errors.no_such_relationship(name))
        key = f"{alias}.{quoted(link.name)}"
        return Step(link, key, parents, "" if link.polymorphic else self._join(alias, link.name, key, parents[0]))

    def _beyond(self, last: Step, name: str, at: int) -> Step:
        """The few relationships of the Name object itself: Owner.Profile, Owner.UserRole."""
        links = [(obj, link) for obj in last.parents if (link := obj.relation(name)) is not None]
        if name.lower() not in NAME_RELATIONS or not links:
            raise self.fail("INVALID_FIELD", at, errors.no_such_relationship(name))
        link = links[0][1]
        parent = self.session.schema.objects[link.reference_to[0]]
        key = _by_object(last, {obj.name: _looked_up(obj, one.name, last.key_sql) for obj, one in links})
        return Step(link, key, (parent,), self._join(last.key_sql, link.name, key, parent))

    def join(self, step: Step, obj: SObject) -> str:
        """The alias of one of a polymorphic parent's objects."""
        return self._join(step.key_sql, step.field.name, step.key_sql, obj)

    def _join(self, origin: str, link: str, key: str, parent: SObject) -> str:
        place = (origin, link, parent.name)
        if place not in self._known:
            if len(self._known) >= MAX_PARENTS:
                raise errors.malformed_query(
                    f"A query may use no more than {MAX_PARENTS} child-to-parent relationships"
                )
            name = self.names.next()
            self.joins.append(f"LEFT JOIN {quoted(parent.name)} {name} ON {name}.Id = {key}")
            self._known[place] = name
        return self._known[place]

    def leaf(self, obj: SObject, alias: str, name: str, at: int) -> Column:
        found = obj.find(name)
        if found is None:
            raise self.fail("INVALID_FIELD", at, errors.no_such_column(name, obj.name))
        if found.mirror:
            relation, _, other = found.mirror.partition(".")
            step = self.step(obj, alias, relation, at)
            mirrored = self.leaf(step.parents[0], step.alias, other, at)
            return Column(mirrored.sql, found, at, False, alias)
        if found.expression is not None:
            return Column(found.expression.format(alias), found, at, False, alias)
        if found.parts:
            return Column("NULL", found, at, False, alias)
        if found.type == "base64":
            return Column(_blob(obj, found, alias, self.session.version), found, at, False, alias)
        return Column(f"{alias}.{quoted(found.name)}", found, at, alias == self.root, alias)

    def common(self, step: Step, name: str, at: int) -> Column:
        """A field of the Name object: whichever parent is there gives the value."""
        lower = name.lower()
        if lower == "type":
            return Column(_type_of(step), _TYPE, at, False, "")
        having = {obj.name: found for obj in step.parents if (found := obj.find(name)) is not None}
        if lower not in NAME_FIELDS or not having:
            raise self.fail("INVALID_FIELD", at, errors.no_such_column(name, "Name"))
        shown = next(iter(having.values()))
        if lower == "id":
            return Column(step.key_sql, shown, at, False, "")
        values = {
            obj.name: _looked_up(obj, having[obj.name].name, step.key_sql) for obj in step.parents if obj.name in having
        }
        return Column(_by_object(step, values), shown, at, False, "")


def _readable(schema: Schema, name: str) -> bool:
    return name in schema.objects and schema.objects[name].stored


def _looked_up(obj: SObject, name: str, key: str) -> str:
    return f'(SELECT "{name}" FROM "{obj.name}" WHERE Id = {key})'  # noqa: S608 - names of our schema


def _by_object(step: Step, values: Mapping[str, str]) -> str:
    """SQL that takes the value of the object the key belongs to. Subqueries, for SQLite joins 64 tables at most."""
    cases = [f"WHEN '{obj.prefix}' THEN {values[obj.name]}" for obj in step.parents if obj.name in values]
    return f"CASE substr({step.key_sql}, 1, 3) {' '.join(cases)} END"


def _blob(obj: SObject, field_: Field, alias: str, version: str) -> str:
    """Where the content can be had: rows show its address in its place (vendor: Get Blob Data)."""
    start = f"/services/data/v{version}/sobjects/{obj.name}/"
    return f"CASE WHEN {alias}.{quoted(field_.name)} IS NOT NULL THEN '{start}' || {alias}.Id || '/{field_.name}' END"


def _type_of(step: Step) -> str:
    """``Owner.Type``: User, Queue (a group shows its own type), or the object's name."""
    values = {
        obj.name: _looked_up(obj, "Type", step.key_sql) if obj.name == "Group" else f"'{obj.name}'"
        for obj in step.parents
    }
    return _by_object(step, values)
