"""What the columns of a query are: the answer to ``query?q=…&columns=true``, which tables on a screen are drawn from.

Not in the vendor's documentation; the Salesforce CLI and other tools read it. A column behind a relationship is a join
column of the relationship; aggregates and subqueries are marked ``aggregate``.
"""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal.schema.model import NUMBER_TYPES, TEXT_TYPES, Field, Schema, SObject
from sfsync.rehearsal.soql.tree import Call, CallItem, ChildItem, FieldItem, Operand, Path, Query, TypeOfItem

_APEX = {
    "id": "Id",
    "reference": "Id",
    "boolean": "Boolean",
    "int": "Integer",
    "double": "Double",
    "currency": "Double",
    "percent": "Double",
    "date": "Date",
    "datetime": "Datetime",
    "time": "Time",
}
_ROUND = frozenset({"COUNT", "COUNT_DISTINCT"})


def described(schema: Schema, query: Query) -> dict[str, Any]:
    """The whole answer for a query that compiles."""
    obj = schema.find(query.source.text)
    assert obj is not None
    columns = _columns(schema, obj, query)
    return {
        "columnMetadata": columns,
        "entityName": obj.name,
        "groupBy": bool(query.group),
        "idSelected": any(one["columnName"] == "Id" for one in columns),
        "keyPrefix": obj.prefix,
    }


def _columns(schema: Schema, obj: SObject, query: Query) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    unnamed = 0
    for item in query.items:
        if isinstance(item, CallItem) and item.call.name == "FIELDS":
            found += [_field(one) for one in _fields(obj, item.call)]
        elif isinstance(item, FieldItem):
            _place(schema, found, obj, _own(item.path, query, obj), item.alias)
        elif isinstance(item, CallItem):
            found.append(_function(item, unnamed))
            unnamed += item.alias is None
        elif isinstance(item, ChildItem):
            found.append(_children(schema, obj, item))
        elif isinstance(item, TypeOfItem):
            found.append(_join(str(item.path.text), None))
    return found


def _own(path: Path, query: Query, obj: SObject) -> list[str]:
    """The path without the alias or name of its own object."""
    parts = path.parts
    heads = {one.lower() for one in (query.alias, obj.name) if one}
    return parts[1:] if len(parts) > 1 and parts[0].lower() in heads and not obj.relation(parts[0]) else parts


def _fields(obj: SObject, call: Call) -> list[Field]:
    what = call.argument.shown.upper() if call.argument else "ALL"
    wanted = {"STANDARD": (False,), "CUSTOM": (True,)}.get(what, (True, False))
    return [one for one in obj.fields if one.custom in wanted]


def _place(schema: Schema, columns: list[dict[str, Any]], obj: SObject, parts: list[str], alias: str | None) -> None:
    if len(parts) == 1:
        field = obj.find(parts[0])
        if field is not None:
            columns.append(_field(field) | ({"columnName": alias} if alias else {}))
        return
    link = obj.relation(parts[0])
    if link is None:
        return
    name = str(link.relationship_name)
    join = next((one for one in columns if one["columnName"] == name and one["joinColumns"]), None)
    if join is None:
        join = _join(name, link)
        columns.append(join)
    parent = schema.find("Name" if link.polymorphic else link.reference_to[0]) or schema.find(link.reference_to[0])
    assert parent is not None
    _place(schema, join["joinColumns"], parent, parts[1:], alias)


def _join(name: str, link: Field | None) -> dict[str, Any]:
    kind = link.reference_to[0] if link is not None and not link.polymorphic else "Name"
    return _column(name, kind) | {"custom": name.endswith("__r"), "foreignKeyName": link.name if link else None}


def _children(schema: Schema, obj: SObject, item: ChildItem) -> dict[str, Any]:
    child = obj.child(item.query.source.text.rpartition(".")[2])
    assert child is not None
    inner = _columns(schema, schema.objects[child.object], item.query)
    return _column(str(child.field.child_name), None) | {"aggregate": True, "joinColumns": inner}


def _function(item: CallItem, number: int) -> dict[str, Any]:
    name = item.alias or f"expr{number}"
    kind = "Integer" if item.call.name in _ROUND else "Double"
    shown = _shown(item.call)
    return _column(name, kind) | {"aggregate": True, "displayName": shown, "numberType": True}


def _shown(call: Operand) -> str:
    return call.shown if isinstance(call, Path) else f"{call.name}({call.argument.shown if call.argument else ''})"


def _field(one: Field) -> dict[str, Any]:
    return _column(one.name, _APEX.get(one.type, "String")) | {
        "booleanType": one.type == "boolean",
        "custom": one.custom,
        "insertable": one.createable,
        "numberType": one.type in NUMBER_TYPES,
        "textType": one.type in TEXT_TYPES and one.type not in ("picklist", "multipicklist"),
        "updatable": one.updateable,
    }


def _column(name: str, kind: str | None) -> dict[str, Any]:
    return {
        "aggregate": False,
        "apexType": kind,
        "booleanType": False,
        "columnName": name,
        "custom": False,
        "displayName": name,
        "foreignKeyName": None,
        "insertable": False,
        "joinColumns": [],
        "numberType": False,
        "textType": False,
        "updatable": False,
    }
