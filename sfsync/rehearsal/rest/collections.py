"""sObject Collections: up to 200 records of mixed types in one call (wire reference 7).

The answer is 200 whatever happens to the items, in the order of the input.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid
from sfsync.rehearsal.rest.rollback import Undo, undo_unless
from sfsync.rehearsal.rest.since import COLLECTIONS, COLLECTIONS_UPSERT, check_since

if TYPE_CHECKING:
    from sfsync.rehearsal.org import SaveResult

MOST_RECORDS, MOST_CHUNKS, MOST_RETRIEVED = 200, 10, 2000
_PATH = re.compile(r"\w+(\.\w+)*")
Item = dict[str, Any]
Save = Callable[[str, list[dict[str, Any]]], "list[SaveResult]"]


def create(context: Context, call: Call) -> Reply:
    def save(name: str, rows: list[dict[str, Any]]) -> list[SaveResult]:
        return context.org.insert(name, rows, options=call.options)

    return _write(context, call, save)


def update(context: Context, call: Call) -> Reply:
    def save(name: str, rows: list[dict[str, Any]]) -> list[SaveResult]:
        return context.org.update(name, rows, options=call.options)

    return _write(context, call, save)


def upsert(context: Context, call: Call) -> Reply:
    """PATCH composite/sobjects/X/{field}; every item says whether it was created, failed ones too."""
    field, wanted = call.args["field"], call.args["object"]
    check_since(call, COLLECTIONS_UPSERT)
    if context.org.seen.find(wanted) is None:
        raise errors.not_found()

    def save(name: str, rows: list[dict[str, Any]]) -> list[SaveResult]:
        if name.lower() != wanted.lower():
            raise OrgError("INVALID_TYPE", f"{name} does not match the type of the call: {wanted}", [])
        results = context.org.upsert(name, field, rows, options=call.options)
        return [told_apart(result, field, row) for result, row in zip(results, rows, strict=True)]

    return _write(context, call, save, upserting=True)


def told_apart(result: SaveResult, field: str, row: dict[str, Any]) -> SaveResult:
    """A key that several rows carry has no status 300 inside a collection: it is an error of its item."""
    if not any(error.code == "MULTIPLE_CHOICES" for error in result.errors):
        return result
    value = next((str(one) for name, one in row.items() if name.lower() == field.lower()), "")
    return replace(result, errors=[errors.ambiguous_external_id(field, value)])


def _write(context: Context, call: Call, save: Save, *, upserting: bool = False) -> Reply:
    check_since(call, COLLECTIONS)
    body = call.body.object()
    records = _checked(body.get("records"))
    if not is_true(body.get("allOrNone")):
        return Reply(200, _save_all(records, save, upserting=upserting))
    locked = lambda error: [_failed([error], upserting) for _ in records]  # noqa: E731 - one expression
    return _all_or_none(context, lambda: _save_all(records, save, upserting=upserting), locked)


def is_true(all_or_none: Any) -> bool:
    """Whether an argument is true, also as text; OrgError JSON_PARSER_ERROR for what is no boolean."""
    word = str(all_or_none).lower()
    if word not in ("true", "false", "none"):
        raise errors.bad_value("boolean", str(all_or_none))
    return word == "true"


def _all_or_none(context: Context, act: Callable[[], list[Item]], locked: Callable[[OrgError], list[Item]]) -> Reply:
    """Runs ``act`` as one transaction, in which a failed item undoes the good ones.

    ``locked`` makes the items when the transaction does not even begin, because others hold the lock.
    """
    items: list[Item] = []
    try:
        with context.org.transaction(strict=True):
            items = act()
            undo_unless(all(item["success"] for item in items))
    except Undo:
        items = [_rolled_back(item) for item in items]
    except OrgError as error:
        items = locked(error)
    return Reply(200, items)


def _checked(records: Any) -> list[dict[str, Any]]:
    if not isinstance(records, list) or not records:
        raise errors.no_records()
    if len(records) > MOST_RECORDS:
        raise errors.too_many_records(MOST_RECORDS)
    if not all(isinstance(row, dict) and not _odd_id(row) for row in records):
        raise errors.json_parser("Unexpected token where a record was expected at [line:1, column:1]")
    if len(list(groupby(records, key=_type_of))) > MOST_CHUNKS:
        raise errors.too_many_chunks()
    return records


def _odd_id(row: dict[str, Any]) -> bool:
    return any(isinstance(value, list | dict) for name, value in row.items() if name.lower() == "id")


def _type_of(row: dict[str, Any]) -> str | None:
    attributes = row.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    return name if isinstance(name, str) else None


def _save_all(records: list[dict[str, Any]], save: Save, *, upserting: bool) -> list[Item]:
    items: list[Item] = []
    for name, group in groupby(records, key=_type_of):
        rows = list(group)
        if name is None:
            items += [_failed([errors.attributes_required()], upserting) for _ in rows]
            continue
        try:
            items += [_item(result, upserting) for result in save(name, rows)]
        except OrgError as error:
            items += [_failed([_as_item(error, name)], upserting) for _ in rows]
    return items


def _as_item(error: OrgError, name: str) -> OrgError:
    """An unknown object is a missing resource in a URL, but an unknown type inside a record."""
    return OrgError("INVALID_TYPE", errors.not_supported(name), []) if error.code == "NOT_FOUND" else error


def _item(result: SaveResult, upserting: bool) -> Item:
    if not result.success:
        return _failed(result.errors, upserting)
    item: Item = {"id": result.id, "success": True, "errors": []}
    return {**item, "created": result.created} if upserting else item


def _failed(found: list[OrgError], upserting: bool) -> Item:
    item: Item = {"success": False, "errors": [error.item() for error in found]}
    return {**item, "created": False} if upserting else item


def _rolled_back(item: Item) -> Item:
    """A good row undone; its ``created`` stays as it was, which the vendor's own client relies on."""
    if not item["success"]:
        return item
    undone: Item = {"success": False, "errors": [errors.rolled_back().item()]}
    return {**undone, "created": item["created"]} if "created" in item else undone


def delete(context: Context, call: Call) -> Reply:
    """DELETE composite/sobjects?ids=a,b&allOrNone=false"""
    check_since(call, COLLECTIONS)
    ids = [one.strip() for one in call.params.get("ids", "").split(",") if one.strip()]
    if not ids:
        raise errors.no_records()
    if len(ids) > MOST_RECORDS:
        raise errors.too_many_records(MOST_RECORDS)
    if call.params.get("allOrNone", "").lower() != "true":
        return Reply(200, _delete_all(context, call, ids))
    locked = lambda error: [_failed([error], False) for _ in ids]  # noqa: E731 - one expression
    return _all_or_none(context, lambda: _delete_all(context, call, ids), locked)


def _delete_all(context: Context, call: Call, ids: list[str]) -> list[Item]:
    good = [one for one in ids if is_valid(one)]
    try:
        made = [_item(one, False) for one in context.org.delete(good, options=call.options)] if good else []
    except OrgError as error:
        made = [_failed([error], False) for _ in good]
    results = iter(made)
    return [next(results) if is_valid(one) else _failed([errors.malformed_id_delete(one)], False) for one in ids]


def retrieve(context: Context, call: Call) -> Reply:
    """GET composite/sobjects/X?ids=&fields=: rows in order, null for what is not there."""
    return _retrieve(context, call, _split(call.params.get("ids")), _split(call.params.get("fields")))


def retrieve_many(context: Context, call: Call) -> Reply:
    """POST composite/sobjects/X with ids and fields in the body, up to 2,000."""
    body = call.body.object()
    return _retrieve(context, call, body.get("ids"), body.get("fields"))


def check_names(fields: Iterable[str], entity: str) -> None:
    """Names and paths of names only: they become part of a query. OrgError INVALID_FIELD."""
    for name in fields:
        if not _PATH.fullmatch(name):
            raise errors.no_such_column_dml(name, entity)


def _split(text: str | None) -> list[str]:
    return [one.strip() for one in (text or "").split(",") if one.strip()]


def _retrieve(context: Context, call: Call, ids: Any, fields: Any) -> Reply:
    check_since(call, COLLECTIONS)
    if not isinstance(ids, list) or not ids:
        raise OrgError("MISSING_ARGUMENT", "The ids parameter is required and cannot be empty")
    if not isinstance(fields, list) or not fields:
        raise OrgError("MISSING_ARGUMENT", "The fields parameter is required and cannot be empty")
    if len(ids) > MOST_RETRIEVED:
        raise errors.too_many_records(MOST_RETRIEVED)
    if not all(isinstance(one, str) for one in (*ids, *fields)):
        raise errors.json_parser("Cannot deserialize instance of string at [line:1, column:1]")
    check_names(fields, call.args["object"])
    return Reply(200, context.org.retrieve_many(call.args["object"], ids, fields, version=call.version))
