"""One record per call, by its id: create, read, update, delete (wire reference 5)."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply, nothing, refusal
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.ids import is_valid
from sfsync.rehearsal.rest.conditions import Validators, asked, not_modified, tag_of
from sfsync.rehearsal.rest.places import placed
from sfsync.rehearsal.rest.recent import note

if TYPE_CHECKING:
    from sfsync.rehearsal.org import SaveResult

_FIELD = re.compile(r"\w+(?:\.\w+)*")
_TAGGED = "Account"  # the one object whose rows have an ETag


def _row(call: Call) -> dict[str, Any]:
    """The record in the body, which must not name its own id."""
    row = call.body.object()
    if any(key.lower() == "id" for key in row):
        raise errors.id_in_body()
    return row


def fields_of(call: Call) -> list[str] | None:
    """The ``fields`` parameter: names and paths to parents, nothing else that a query would take."""
    names = [name.strip() for name in call.params.get("fields", "").split(",") if name.strip()]
    for name in names:
        if not _FIELD.fullmatch(name):
            raise errors.no_such_column_dml(name, call.args["object"])
    return names or None


def create(context: Context, call: Call) -> Reply:
    """POST sobjects/X: 201 with the id and where it lies."""
    name = call.args["object"]
    result = context.org.insert(name, [_row(call)], options=call.options)[0]
    if not result.success:
        return refused(call, result)
    note(context, call, result.id)
    return created(context, call, result, {"id": result.id, "success": True, "errors": []})


def refused(call: Call, result: SaveResult) -> Reply:
    """Several errors of one save come in one array."""
    found = [placed(call, one) for one in result.errors]
    return refusal(found[0]) if len(found) == 1 else Reply(found[0].status, [one.body() for one in found])


def created(context: Context, call: Call, result: SaveResult, body: dict[str, Any], status: int = 201) -> Reply:
    """The answer to a save, with the address of the row."""
    where = f"{call.base}/sobjects/{name_of(context, call)}/{result.id}"
    return Reply(status, body, headers={"Location": where})


def name_of(context: Context, call: Call) -> str:
    """The object of the URL in the schema's own case. OrgError NOT_FOUND."""
    found = context.org.seen.find(call.args["object"])
    if found is None:
        raise errors.not_found()
    return found.name


def read(context: Context, call: Call) -> Reply:
    """GET sobjects/X/{id}; what is no id is taken for the name of an external id field."""
    if not is_valid(call.args["id"]):
        raise errors.no_such_external_field(call.args["id"])
    return read_row(context, call, call.args["object"], call.args["id"])


def read_row(context: Context, call: Call, name: str, record_id: str) -> Reply:
    """A row with its validators; 304 or 412 as the conditions say."""
    fields = fields_of(call)
    whole = fields is None or name.lower() == _TAGGED.lower()
    wanted = None if whole else [*(fields or ()), *_dated(context, name)]
    full = context.org.retrieve(name, record_id, wanted, version=call.version)
    row = validators(full)
    note(context, call, full["Id"])
    if asked(call) and not_modified(call, row):
        return nothing(304, row.headers())
    shown = full
    if fields is not None:
        shown = _picked(full, fields) if wanted else context.org.retrieve(name, record_id, fields, version=call.version)
    return Reply(200, shown, headers=row.headers())


def _dated(context: Context, name: str) -> list[str]:
    obj = context.org.seen.find(name)
    return ["LastModifiedDate"] if obj is not None and obj.has("LastModifiedDate") else []


def _picked(full: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """The fields asked for, in that order, ``Id`` last; without the date that was read along."""
    names = {name.lower() for name in fields}
    row = {key: value for key, value in full.items() if key != "LastModifiedDate" or key.lower() in names}
    if "id" not in names:
        row["Id"] = row.pop("Id")
    return row


def validators(row: dict[str, Any]) -> Validators:
    """What a row as retrieved is known by."""
    changed = row.get("LastModifiedDate")
    tag = None
    if row["attributes"]["type"] == _TAGGED:
        tag = tag_of(json.dumps({key: value for key, value in row.items() if key != "attributes"}, default=str))
    return Validators(datetime.fromisoformat(changed) if changed else None, tag)


def update(context: Context, call: Call) -> Reply:
    """PATCH sobjects/X/{id}: 204."""
    if not is_valid(call.args["id"]):
        raise errors.no_such_external_field(call.args["id"])
    return update_row(context, call, call.args["object"], call.args["id"])


def update_row(context: Context, call: Call, name: str, record_id: str) -> Reply:
    """Conditions and save are one transaction, so that nobody comes between."""
    row = {**_row(call), "Id": record_id}
    conditional = asked(call)
    with context.org.transaction() if conditional else nullcontext():
        if conditional and not_modified(call, validators(context.org.retrieve(name, record_id))):
            return nothing(304)
        result = context.org.update(name, [row], options=call.options)[0]
    if not result.success:
        return _not_there(result) or refused(call, result)
    note(context, call, result.id)
    return nothing()


def _not_there(result: SaveResult) -> Reply | None:
    """For a row that never was, the save says what an item of a list would; a URL that leads nowhere is a 404."""
    error = result.errors[0]
    if error.code == "INVALID_CROSS_REFERENCE_KEY" and not error.fields:
        return Reply(404, [error.body()])
    return None


def delete(context: Context, call: Call) -> Reply:
    """DELETE sobjects/X/{id}: 204."""
    name = name_of(context, call)
    if not is_valid(call.args["id"]):
        raise errors.no_such_external_field(call.args["id"])
    found = context.org.seen.of_id(call.args["id"])
    if found is None or found.name != name:
        raise errors.no_such_external_field(call.args["id"])
    return delete_row(context, call, call.args["id"])


def delete_row(context: Context, call: Call, record_id: str) -> Reply:
    """Deletes one row: 204, or 404 for one that is gone or never was."""
    result = context.org.delete([record_id], options=call.options)[0]
    return nothing() if result.success else _not_there(result) or refused(call, result)
