"""POST composite/tree/X: records with their children, all created or none (wire reference 8).

A level's records of one type are saved together, over all trees, which is how the vendor groups them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.dml.options import Options
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.rest.rollback import Undo, undo_unless
from sfsync.rehearsal.rest.since import TREE, check_since
from sfsync.rehearsal.schema.model import Schema, SObject

MOST_RECORDS, MOST_LEVELS, MOST_TYPES = 200, 5, 5


@dataclass
class _Node:
    """One record of a tree; ``link`` is the field that takes the id of ``parent``."""

    reference: str
    type: str
    fields: dict[str, Any]
    parent: _Node | None = None
    link: str | None = None
    id: str | None = None
    errors: list[OrgError] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        if self.parent is None or self.link is None:
            return self.fields
        return {**self.fields, self.link: self.parent.id}


def tree(context: Context, call: Call) -> Reply:
    """201 with the new ids, roots first; 400 with the records that were refused, and nothing is created."""
    check_since(call, TREE)
    records = call.body.object().get("records")
    if not isinstance(records, list) or not records:
        raise errors.no_records()
    root = context.org.seen.find(call.args["object"])
    if root is None:
        raise errors.not_found()
    levels = _levels(context.org.seen, records, root)
    nodes = list(chain.from_iterable(levels))
    _check(nodes)
    try:
        with context.org.transaction(strict=True):
            undo_unless(not _refused(nodes))
            for level in levels:
                _save(context, call.options, level)
                undo_unless(not _refused(nodes))
    except Undo:
        return Reply(400, {"hasErrors": True, "results": _refused(nodes)})
    return Reply(201, {"hasErrors": False, "results": [{"referenceId": one.reference, "id": one.id} for one in nodes]})


def _refused(nodes: list[_Node]) -> list[dict[str, Any]]:
    bad = [one for one in nodes if one.errors]
    return [{"referenceId": one.reference, "errors": [error.item() for error in one.errors]} for one in bad]


# -- reading the request ------------------------------------------------------------------------------------


def _levels(schema: Schema, records: list[Any], root: SObject) -> list[list[_Node]]:
    """Roots, their children, and so on; the count is held down before the trees are walked to their ends."""
    level = [_node(record, None, None, root.name) for record in records]
    levels: list[list[_Node]] = []
    while level:
        levels.append(level)
        if sum(map(len, levels)) > MOST_RECORDS:
            raise errors.too_many_records(MOST_RECORDS)
        if len(levels) > MOST_LEVELS:
            raise errors.invalid_input(f"A tree can have up to {MOST_LEVELS} levels.")
        level = [child for one in level for child in _children(schema, one)]
    return levels


def _node(record: Any, parent: _Node | None, link: str | None, expected: str) -> _Node:
    if not isinstance(record, dict):
        raise errors.json_parser("Unexpected token where a record was expected at [line:1, column:1]")
    attributes = record.get("attributes")
    named = attributes if isinstance(attributes, dict) else {}
    reference, kind = named.get("referenceId"), named.get("type")
    if not isinstance(reference, str) or not reference:
        raise errors.reference_id_needed()
    fields = {key: value for key, value in record.items() if key != "attributes"}
    node = _Node(reference, kind if isinstance(kind, str) else "", fields, parent, link)
    if not node.type:
        node.errors.append(errors.entity_type_needed())
    elif node.type.lower() != expected.lower():
        text = f"The record's type {node.type} does not match the expected type {expected}."
        node.errors.append(OrgError("INVALID_INPUT", text, []))
    return node


def _children(schema: Schema, node: _Node) -> Iterator[_Node]:
    """Takes the child lists out of a record; what else is nested in it is a parent named by external id."""
    obj = schema.find(node.type)
    lists = [name for name, value in node.fields.items() if isinstance(value, dict) and "records" in value]
    for name in lists:
        value = node.fields.pop(name)
        found = obj.child(name) if obj else None
        if found is None:
            node.errors.append(OrgError("INVALID_FIELD", f"No such column '{name}' on sobject of type {node.type}", []))
            continue
        if not isinstance(value["records"], list):
            raise errors.json_parser(f"{name}: records must be a list at [line:1, column:1]")
        for record in value["records"]:
            yield _node(record, node, found.field.name, found.object)


def _check(nodes: list[_Node]) -> None:
    if len({one.type.lower() for one in nodes if one.type}) > MOST_TYPES:
        raise errors.invalid_input(f"The request can contain up to {MOST_TYPES} types of records.")
    seen: set[str] = set()
    for one in nodes:
        if one.reference in seen:
            one.errors += [errors.duplicate_reference_provided(), errors.duplicate_reference(one.reference)]
        seen.add(one.reference)


# -- saving -------------------------------------------------------------------------------------------------


def _save(context: Context, options: Options, level: list[_Node]) -> None:
    groups: dict[str, list[_Node]] = {}
    for one in level:
        groups.setdefault(one.type.lower(), []).append(one)
    for group in groups.values():
        results = context.org.insert(group[0].type, [one.row() for one in group], options=options)
        for one, result in zip(group, results, strict=True):
            one.id, one.errors = result.id, list(result.errors)
        undo_unless(all(result.success for result in results))
