"""Names of one query level: fields and relationships to SQL columns, joins made on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sfsync.rehearsal import errors
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.schema.model import Field, Schema, SObject
from sfsync.rehearsal.soql.tree import Path
from sfsync.rehearsal.store.tables import quoted

MAX_LEVELS = 5
# What an owner, a task's "who" or another polymorphic parent shows through its common face, the Name object.
NAME_FIELDS = frozenset(
    {"id", "name", "type", "firstname", "lastname", "email", "username", "alias", "phone", "title", "isactive"}
    | {"profileid", "userroleid", "recordtypeid"}
)
_TYPE = Field("Type", "picklist", "Type", 40, nillable=True, groupable=True, sortable=True)


@dataclass(frozen=True)
class Session:
    """What a query depends on beside its text. ``zone`` is the user's, for date literals."""

    schema: Schema
    now: datetime
    zone: ZoneInfo
    version: str = "60.0"


@dataclass(frozen=True, slots=True)
class Column:
    """A field in SQL. ``plain``: a column of the level's own table, so that its indexes can be used."""

    sql: str
    field: Field
    at: int
    plain: bool
    alias: str


@dataclass(frozen=True, slots=True)
class Step:
    """One relationship of a path. ``targets``: (object, table alias), several for a polymorphic field."""

    field: Field
    key_sql: str
    targets: tuple[tuple[SObject, str], ...]

    @property
    def polymorphic(self) -> bool:
        return self.field.polymorphic


@dataclass
class Names:
    """Hands out table aliases over all levels of a query."""

    count: int = 0

    def next(self) -> str:
        self.count += 1
        return f"t{self.count - 1}"


@dataclass
class Scope:
    """One level of a query. ``soql`` is the whole text, for error messages."""

    session: Session
    soql: str
    obj: SObject
    alias: str | None
    names: Names
    all_rows: bool
    root: str = ""
    joins: list[str] = field(default_factory=list)
    _known: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = self.names.next()

    def fail(self, code: str, at: int, text: str) -> OrgError:
        return errors.at_position(code, self.soql, at, text)

    def path(self, path: Path) -> tuple[list[Step], Column]:
        """The relationships of a path and the column at its end. Raises OrgError with the place in the text."""
        parts, at = self._unqualified(path)
        steps: list[Step] = []
        obj, alias = self.obj, self.root
        for part in parts[:-1]:
            if steps and steps[-1].polymorphic:
                raise self.fail("INVALID_FIELD", at, errors.no_such_relationship(part))
            step = self.step(obj, alias, part, at)
            steps.append(step)
            obj, alias = step.targets[0]
        if len(steps) > MAX_LEVELS:
            raise self.fail("MALFORMED_QUERY", at, f"no more than {MAX_LEVELS} levels of relationships can be used")
        if steps and steps[-1].polymorphic:
            return steps, self.common(steps[-1], parts[-1], at)
        return steps, self.leaf(obj, alias, parts[-1], at)

    def column(self, path: Path) -> Column:
        return self.path(path)[1]

    def _unqualified(self, path: Path) -> tuple[list[str], int]:
        """Drops the object's own name or alias; the place then is the dot (wire reference 9.1)."""
        parts = path.parts
        own = {self.obj.name.lower(), (self.alias or "").lower()}
        if len(parts) > 1 and parts[0].lower() in own and self.obj.relation(parts[0]) is None:
            return parts[1:], path.at + path.text.index(".")
        return parts, path.at

    def step(self, obj: SObject, alias: str, name: str, at: int) -> Step:
        """Follows one relationship, joining what is behind it."""
        link = obj.relation(name)
        if link is None:
            raise self.fail("INVALID_FIELD", at, errors.no_such_relationship(name))
        key = f"{alias}.{quoted(link.name)}"
        schema = self.session.schema
        parents = [schema.objects[one] for one in link.reference_to if one in schema.objects]
        targets = tuple((one, self._join(alias, link, key, one)) for one in parents)
        return Step(link, key, targets)

    def _join(self, alias: str, link: Field, key: str, parent: SObject) -> str:
        place = (alias, link.name, parent.name)
        if place not in self._known:
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
            mirrored = self.leaf(*step.targets[0], other, at)
            return Column(mirrored.sql, found, at, False, alias)
        if not found.stored:
            return Column(_composed(found, alias), found, at, False, alias)
        return Column(f"{alias}.{quoted(found.name)}", found, at, alias == self.root, alias)

    def common(self, step: Step, name: str, at: int) -> Column:
        """A field of the Name object: whichever parent is there gives the value."""
        lower = name.lower()
        having = [(obj, alias) for obj, alias in step.targets if obj.has(name)]
        if lower == "type":
            return Column(_type_of(step), _TYPE, at, False, "")
        if lower not in NAME_FIELDS or not having:
            raise self.fail("INVALID_FIELD", at, errors.no_such_column(name, "Name"))
        field_ = having[0][0].find(name)
        assert field_ is not None
        columns = [f"{alias}.{quoted(field_.name)}" for _, alias in having]
        sql = columns[0] if len(columns) == 1 else f"COALESCE({', '.join(columns)})"
        return Column(sql, field_, at, False, "")


def _composed(field_: Field, alias: str) -> str:
    """An address or location as JSON text, NULL when all its parts are empty."""
    columns = [f"{alias}.{quoted(name)}" for _, name in field_.parts]
    pairs = ", ".join(f"'{key}', {alias}.{quoted(name)}" for key, name in field_.parts)
    return f"CASE WHEN COALESCE({', '.join(columns)}) IS NOT NULL THEN json_object({pairs}) END"


def _type_of(step: Step) -> str:
    """``Owner.Type``: User, Queue (a group shows its own type), or the object's name."""
    cases = []
    for obj, alias in step.targets:
        value = f'{alias}."Type"' if obj.name == "Group" else f"'{obj.name}'"
        cases.append(f"WHEN {alias}.Id IS NOT NULL THEN {value}")
    return f"CASE {' '.join(cases)} END"
