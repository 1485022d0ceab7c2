"""Looks up the names of a formula in the schema and checks its types, as Salesforce does when it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sfsync.rehearsal.formula.catalogue import catalogue
from sfsync.rehearsal.formula.function import BOTH, FIELD, RULE, Act, Function
from sfsync.rehearsal.formula.logic import equal
from sfsync.rehearsal.formula.parse import parse
from sfsync.rehearsal.formula.tree import Call, FormulaError, Literal, Node, Ref
from sfsync.rehearsal.formula.values import KINDS, Value, plain
from sfsync.rehearsal.schema.model import Field, Schema, SObject

_MAX_DEPTH = 10
_WORDS = {
    "text": "Text",
    "number": "Number",
    "boolean": "Boolean",
    "date": "Date",
    "datetime": "DateTime",
    "time": "Time",
    "picklist": "Picklist",
    "multipicklist": "Multi-Select Picklist",
    "null": "Null",
}
_GLOBALS = {"$user": "User", "$profile": "Profile", "$userrole": "UserRole", "$organization": "Organization"}
_TIED = frozenset({"IF", "CASE", "BLANKVALUE", "NULLVALUE", "=", "<>", "<", ">", "<=", ">="})


@dataclass(frozen=True, slots=True)
class Step:
    """From a row to its parent: the reference field, and the object its ids lead to."""

    field: Field
    to: SObject


@dataclass(frozen=True, slots=True)
class Column:
    """A field that is read: ``root`` is ``row`` or the object behind a global such as ``$User``."""

    root: str
    steps: tuple[Step, ...]
    field: Field
    kind: str

    @property
    def key(self) -> tuple[str, ...]:
        return (self.root, *(f"{one.field.name}:{one.to.name}" for one in self.steps), self.field.name)


@dataclass(frozen=True, slots=True)
class Permission:
    """``$Permission.Name``: whether the user has a custom permission."""

    name: str
    kind: str = "boolean"


@dataclass(frozen=True, slots=True)
class Const:
    value: Value
    kind: str


@dataclass(frozen=True, slots=True)
class Apply:
    """A function on bound arguments; ``act`` is None for those ``evaluate`` runs itself."""

    function: Function
    act: Act | None
    args: tuple[Bound, ...]
    kind: str


Bound = Const | Column | Permission | Apply


@dataclass(frozen=True)
class Formula:
    """A formula ready to run on rows of its object."""

    source: str
    root: Bound
    blank_as_zero: bool = False

    @property
    def kind(self) -> str:
        return self.root.kind


@dataclass(frozen=True)
class Scope:
    """Where a formula stands. ``where`` is ``rule`` or ``field``: some functions belong to one of them only."""

    schema: Schema
    obj: SObject
    where: str = RULE
    root: str = "row"
    steps: tuple[Step, ...] = ()
    depth: int = 0


def bind(source: str, scope: Scope, *, blank_as_zero: bool = False, gives: str | None = None) -> Formula:
    """Raises FormulaError. ``gives``: the kind the result must have."""
    root = _bound(parse(source), scope)
    if gives is not None and root.kind not in (gives, "null"):
        wanted = "true or false" if gives == "boolean" else _WORDS[gives]
        text = f"Formula result is data type ({_WORDS[root.kind]}), incompatible with expected data type ({wanted})."
        raise FormulaError(text)
    return Formula(source, root, blank_as_zero)


def field(path: str, scope: Scope) -> Column:
    """A field alone, by its path, as criteria name it. Raises FormulaError."""
    found = _reference(Ref(tuple(path.split("."))), scope)
    if not isinstance(found, Column):
        raise FormulaError(f"Field {path} does not exist. Check spelling.")
    return found


def _bound(node: Node, scope: Scope) -> Bound:
    if isinstance(node, Literal):
        return Const(node.value, node.kind)
    if isinstance(node, Ref):
        return _reference(node, scope)
    return _call(node, scope)


# -- names ----------------------------------------------------------------------------------------------------


def _reference(ref: Ref, scope: Scope) -> Bound:
    head = ref.path[0].lower()
    if head == "$permission" and len(ref.path) == 2 and scope.where == RULE:
        return Permission(ref.path[1])
    if ref.text.lower() == "$system.origindatetime":
        return Const(datetime(1900, 1, 1, tzinfo=UTC), "datetime")
    if head == "$recordtype":
        return _walk(Ref(("RecordType", *ref.path[1:])), scope)
    if head in _GLOBALS and scope.where == FIELD and head != "$organization":
        raise FormulaError(f"{ref.path[0]} in formula fields is not in the rehearsal org: {ref.text}")
    if head in _GLOBALS:
        obj = scope.schema.find(_GLOBALS[head])
        if obj is None:
            raise FormulaError(f"Field {ref.text} does not exist. Check spelling.")
        return _walk(Ref(ref.path[1:]), replace(scope, obj=obj, root=obj.name, steps=()), ref.text)
    if head.startswith("$"):
        raise FormulaError(f"{ref.path[0]} is not in the rehearsal org: {ref.text}")
    return _walk(ref, scope)


def _walk(ref: Ref, scope: Scope, shown: str = "") -> Bound:
    obj, steps = scope.obj, list(scope.steps)
    for name in ref.path[:-1]:
        step = _step(obj, name, scope.schema)
        if step is None:
            raise FormulaError(f"Field {shown or ref.text} does not exist. Check spelling.")
        steps.append(step)
        obj = step.to
    found = obj.find(ref.path[-1]) if ref.path else None
    if found is None or found.type in ("address", "location", "base64"):
        raise FormulaError(f"Field {shown or ref.text} does not exist. Check spelling.")
    return _column(found, replace(scope, obj=obj, steps=tuple(steps)))


def _step(obj: SObject, name: str, schema: Schema) -> Step | None:
    """``Owner:User`` names which of several parents is meant; ``Queue`` stands for Group."""
    relation, _, target = name.partition(":")
    found = obj.relation(relation)
    if found is None or (found.polymorphic and not target):
        return None
    wanted = {"queue": "Group"}.get(target.lower(), target) if target else found.reference_to[0]
    to = schema.find(wanted)
    return Step(found, to) if to is not None and to.name in found.reference_to else None


def _column(found: Field, scope: Scope) -> Bound:
    if found.mirror:
        return _walk(Ref(tuple(found.mirror.split("."))), scope)
    if found.formula is not None:
        if scope.depth >= _MAX_DEPTH:
            raise FormulaError(f"Circular reference through {scope.obj.name}.{found.name}")
        return _bound(parse(found.formula), replace(scope, depth=scope.depth + 1, where=FIELD))
    if found.expression is not None:
        raise FormulaError(f"{scope.obj.name}.{found.name} cannot be used in formulas in the rehearsal org")
    return Column(scope.root, scope.steps, found, KINDS.get(found.type, "text"))


# -- functions ------------------------------------------------------------------------------------------------


def _call(node: Call, scope: Scope) -> Bound:
    function = catalogue().get(node.name)
    if function is None:
        raise FormulaError(f"Unknown function {node.name}. Check spelling.")
    if function.where not in (BOTH, scope.where):
        raise FormulaError(f"Function {node.name} may not be used in this type of formula")
    _check_count(function, len(node.args))
    args = tuple(_bound(one, scope) for one in node.args)
    kinds = [one.kind for one in args]
    _check_kinds(function, args, kinds)
    if node.name in ("ISCHANGED", "PRIORVALUE") and not (isinstance(args[0], Column) and not args[0].steps):
        raise FormulaError(f"{node.name} can only be used with a field of the record itself")
    if node.name == "TEXT" and isinstance(args[0], Const) and args[0].kind == "number":
        return Const(plain(args[0].value), "text")  # type: ignore[arg-type]
    return Apply(function, _act(function, kinds), args, function.kind_of(kinds))


def _act(function: Function, kinds: Sequence[str]) -> Act | None:
    if function.name == "CASE":
        return equal([kinds[0], *("null" for one in kinds[1:-1:2] if one == "null")])
    return function.act_for(kinds) if function.act or function.choose else None


def _check_count(function: Function, count: int) -> None:
    most = function.most
    if count < function.least or (most is not None and count > most):
        wanted = most if most is not None and count > most else function.least
        raise FormulaError(
            f"Incorrect number of parameters for function '{function.name}()'. Expected {wanted}, received {count}"
        )
    if function.name == "CASE" and count % 2:
        raise FormulaError(
            f"Incorrect number of parameters for function 'CASE()'. Expected {count + 1}, received {count}"
        )


def _check_kinds(function: Function, args: Sequence[Bound], kinds: Sequence[str]) -> None:
    for position, kind in enumerate(kinds):
        accepted = function.accepts(position)
        if kind == "null" or kind in accepted:
            continue
        arg = args[position]
        if kind == "picklist" and isinstance(arg, Column):
            text = (
                f"Field {arg.field.name} is a picklist field. Picklist fields are only supported in certain functions."
            )
            raise FormulaError(text)
        raise _wrong_kind(function, "Text" if "text" in accepted else _WORDS[min(accepted)], kind)
    if function.name in _TIED:
        _check_alike(function, kinds)
    elif function.name == "+":
        _check_sum(function, kinds)


def _check_alike(function: Function, kinds: Sequence[str]) -> None:
    """Operands, and results that stand for each other, are of one kind; a picklist passes for text in CASE."""
    groups = [list(kinds)]
    if function.name == "IF":
        groups = [list(kinds[1:])]
    elif function.name == "CASE":
        groups = [[kinds[0], *kinds[1:-1:2]], [*kinds[2:-1:2], kinds[-1]]]
    for group in groups:
        plain_kinds = ["text" if one == "picklist" else one for one in group if one != "null"]
        for one in plain_kinds[1:]:
            if one != plain_kinds[0]:
                raise _wrong_kind(function, _WORDS[plain_kinds[0]], one)


def _check_sum(function: Function, kinds: Sequence[str]) -> None:
    given = {one for one in kinds if one != "null"}
    if len(given) == 2 and "number" not in given:
        raise _wrong_kind(function, "Number", kinds[1])
    if given == {"text", "number"}:
        raise _wrong_kind(function, "Text" if kinds[0] == "text" else "Number", kinds[1])
    if len(kinds) == 2 and kinds[0] == kinds[1] and kinds[0] in ("date", "datetime", "time"):
        raise _wrong_kind(function, "Number", kinds[1])


def _wrong_kind(function: Function, wanted: str, kind: str) -> FormulaError:
    word = "function" if function.name.isalpha() and function.name != "neg" else "operator"
    name = f"{function.name}()" if word == "function" else function.name.replace("neg", "-")
    return FormulaError(
        f"Incorrect parameter type for {word} '{name}'. Expected {wanted}, received {_WORDS.get(kind, kind)}"
    )
