"""One record per call: create, read, update, upsert, delete by id or by external id (wire reference 5)."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply, nothing, refusal
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid
from sfsync.rehearsal.rest import relations
from sfsync.rehearsal.rest.conditions import Validators, asked, not_modified, tag_of
from sfsync.rehearsal.rest.places import placed
from sfsync.rehearsal.rest.recent import note

if TYPE_CHECKING:
    from sfsync.rehearsal.org import SaveResult

_FIRST_VERSION_WITH_UPSERT_BODY = 46
_FIELD = re.compile(r"\w+(?:\.\w+)*")
_TAGGED = "Account"  # the one object whose rows have an ETag
# An external id that ends like this is taken for the name of a file (vendor: Upsert Records by External ID, note).
_FILE_ENDINGS = (".inc",)


def _row(call: Call) -> dict[str, Any]:
    """The record in the body, which must not name its own id."""
    row = call.body.object()
    if any(key.lower() == "id" for key in row):
        raise errors.id_in_body()
    return row


def _fields(call: Call) -> list[str] | None:
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
        return _refused(call, result)
    note(context, call, result.id)
    return _created(context, call, result, {"id": result.id, "success": True, "errors": []})


def _refused(call: Call, result: SaveResult) -> Reply:
    """Several errors of one save come in one array."""
    found = [placed(call, one) for one in result.errors]
    return refusal(found[0]) if len(found) == 1 else Reply(found[0].status, [one.body() for one in found])


def _created(context: Context, call: Call, result: SaveResult, body: dict[str, Any], status: int = 201) -> Reply:
    where = f"{call.base}/sobjects/{_name(context, call)}/{result.id}"
    return Reply(status, body, headers={"Location": where})


def _name(context: Context, call: Call) -> str:
    """The object of the URL in the schema's own case. OrgError NOT_FOUND."""
    found = context.org.schema.find(call.args["object"])
    if found is None:
        raise errors.not_found()
    return found.name


def read(context: Context, call: Call) -> Reply:
    """GET sobjects/X/{id}; what is no id is taken for the name of an external id field."""
    if not is_valid(call.args["id"]):
        raise errors.no_such_external_field(call.args["id"])
    return _read(context, call, call.args["object"], call.args["id"])


def _read(context: Context, call: Call, name: str, record_id: str) -> Reply:
    """A row with its validators; 304 or 412 as the conditions say."""
    fields = _fields(call)
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
    obj = context.org.schema.find(name)
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
    return _update(context, call, call.args["object"], call.args["id"])


def _update(context: Context, call: Call, name: str, record_id: str) -> Reply:
    """Conditions and save are one transaction, so that nobody comes between."""
    row = {**_row(call), "Id": record_id}
    conditional = asked(call)
    with context.org.transaction() if conditional else nullcontext():
        if conditional and not_modified(call, validators(context.org.retrieve(name, record_id))):
            return nothing(304)
        result = context.org.update(name, [row], options=call.options)[0]
    if not result.success:
        return _not_there(result) or _refused(call, result)
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
    name = _name(context, call)
    if not is_valid(call.args["id"]):
        raise errors.no_such_external_field(call.args["id"])
    found = context.org.schema.of_id(call.args["id"])
    if found is None or found.name != name:
        raise errors.no_such_external_field(call.args["id"])
    return _delete(context, call, call.args["id"])


def _delete(context: Context, call: Call, record_id: str) -> Reply:
    result = context.org.delete([record_id], options=call.options)[0]
    return nothing() if result.success else _not_there(result) or _refused(call, result)


# -- by external id ---------------------------------------------------------------------------------------


def _filed(value: str) -> None:
    if value.lower().endswith(_FILE_ENDINGS):
        raise errors.not_found()


def read_by(context: Context, call: Call) -> Reply:
    """GET sobjects/X/{field}/{value}, or a relationship path when what stands for the field is an id."""
    args = call.args
    if is_valid(args["field"]):
        return related(context, call)
    _filed(args["value"])
    ids = context.org.find_by(args["object"], args["field"], args["value"])
    if len(ids) > 1:
        return _choices(context, call, errors.multiple_choices(ids))
    if not ids:
        raise errors.not_found()
    return _read(context, call, args["object"], ids[0])


def related(context: Context, call: Call) -> Reply:
    """GET, PATCH, DELETE sobjects/X/{id}/{relationship}…"""
    args = call.args
    field = _base64(context, args["object"], args["value"])
    if field is not None:
        raise errors.no_blobs(field)
    path = "/".join((args["value"], args.get("path", "")))
    found = relations.follow(context, args["object"], args["field"], path)
    if isinstance(found, relations.Children):
        return relations.listed(context, call, found, _fields(call))
    if call.method == "PATCH":
        return _update(context, call, found.object, found.id)
    if call.method == "DELETE":
        return _delete(context, call, found.id)
    return _read(context, call, found.object, found.id)


def _base64(context: Context, name: str, field: str) -> str | None:
    obj = context.org.schema.find(name)
    found = obj.find(field) if obj else None
    return f"{name}.{found.name}" if found is not None and found.type == "base64" else None


def upsert(context: Context, call: Call) -> Reply:
    """PATCH sobjects/X/{field}/{value}: 201 made, 200 found (204 up to version 45), 300 found several."""
    args = call.args
    if is_valid(args["field"]):
        return related(context, call)
    _filed(args["value"])
    row = {**_without(call.body.object(), args["field"], args["value"]), args["field"]: args["value"]}
    update_only = call.params.get("updateOnly", "").lower() == "true"
    with context.org.transaction() if update_only else nullcontext():
        if update_only and not context.org.find_by(args["object"], args["field"], args["value"]):
            raise errors.not_found()
        result = context.org.upsert(args["object"], args["field"], [row], options=call.options)[0]
    if not result.success:
        return _choices(context, call, result.errors[0]) if result.errors[0].status == 300 else _refused(call, result)
    note(context, call, result.id)
    if not result.created and float(call.version) < _FIRST_VERSION_WITH_UPSERT_BODY:
        return nothing()
    return _created(context, call, result, _upserted(call, result), 201 if result.created else 200)


def _upserted(call: Call, result: SaveResult) -> dict[str, Any]:
    """``created`` is there from version 46 on."""
    body: dict[str, Any] = {"id": result.id, "success": True, "errors": []}
    return {**body, "created": result.created} if float(call.version) >= _FIRST_VERSION_WITH_UPSERT_BODY else body


def _without(row: dict[str, Any], field: str, value: str) -> dict[str, Any]:
    """The body may repeat the key of the URL, but not contradict it, and may not name an Id beside it."""
    for key, given in row.items():
        if key.lower() == "id" and field.lower() != "id":
            raise errors.id_in_body()
        if key.lower() == field.lower() and str(given) != value:
            text = f"The {key} field should not be specified in the sobject data."
            raise OrgError("INVALID_FIELD", text, [])
    return {key: given for key, given in row.items() if key.lower() != field.lower()}


def _choices(context: Context, call: Call, error: OrgError) -> Reply:
    return refusal(error, f"{call.base}/sobjects/{_name(context, call)}" if error.status == 300 else call.base)


def delete_by(context: Context, call: Call) -> Reply:
    """DELETE sobjects/X/{field}/{value}, or of a parent by relationship path."""
    args = call.args
    if is_valid(args["field"]):
        return related(context, call)
    _filed(args["value"])
    ids = context.org.find_by(args["object"], args["field"], args["value"])
    if len(ids) > 1:
        return _choices(context, call, errors.multiple_choices(ids))
    if not ids:
        raise errors.not_found()
    return _delete(context, call, ids[0])


def create_by_id(context: Context, call: Call) -> Reply:
    """POST sobjects/X/Id: a plain create; any other external id field cannot be created through."""
    if call.args["id"].lower() != "id":
        raise errors.method_not_allowed("POST", ["HEAD", "GET", "PATCH", "DELETE"])
    reply = create(context, call)
    if reply.status != 201 or float(call.version) < _FIRST_VERSION_WITH_UPSERT_BODY:
        return reply
    return Reply(201, {**reply.value, "created": True}, headers=reply.headers)
