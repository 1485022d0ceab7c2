"""One record per call: create, read, update, upsert, delete by id or by external id (wire reference 5)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply, nothing, refusal
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid
from sfsync.rehearsal.rest.resources import http_date

if TYPE_CHECKING:
    from sfsync.rehearsal.org import SaveResult

_FIRST_VERSION_WITH_UPSERT_BODY = 46


def _row(call: Call) -> dict[str, Any]:
    """The record in the body, which must not name its own id."""
    row = call.body.object()
    if any(key.lower() == "id" for key in row):
        raise errors.id_in_body()
    return row


def _fields(call: Call) -> list[str] | None:
    text = call.params.get("fields", "")
    return [name.strip() for name in text.split(",") if name.strip()] or None


def _done(result: SaveResult) -> SaveResult:
    if not result.success:
        raise result.errors[0]
    return result


def create(context: Context, call: Call) -> Reply:
    """POST sobjects/X: 201 with the id and where it lies."""
    name = call.args["object"]
    result = context.org.insert(name, [_row(call)], options=call.options)[0]
    return _many(result) or _created(context, call, result, {"id": result.id, "success": True, "errors": []})


def _many(result: SaveResult) -> Reply | None:
    """Several errors of one save come in one array."""
    if result.success:
        return None
    if len(result.errors) == 1:
        return refusal(result.errors[0])
    return Reply(result.errors[0].status, [error.body() for error in result.errors])


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
    return _shown(call, context.org.retrieve(call.args["object"], call.args["id"], _fields(call), version=call.version))


def _shown(call: Call, row: dict[str, Any]) -> Reply:
    headers = {}
    changed = row.get("LastModifiedDate")
    if changed:
        headers["Last-Modified"] = http_date(datetime.fromisoformat(changed))
        if row["attributes"]["type"] == "Account":
            mark = hashlib.sha256(f"{row.get('Id')}{row.get('SystemModstamp')}".encode()).hexdigest()[:32]
            headers["ETag"] = f'"{mark}"'
    return Reply(200, row, headers=headers)


def update(context: Context, call: Call) -> Reply:
    """PATCH sobjects/X/{id}: 204."""
    if not is_valid(call.args["id"]):
        raise errors.no_such_external_field(call.args["id"])
    row = {**_row(call), "Id": call.args["id"]}
    result = context.org.update(call.args["object"], [row], options=call.options)[0]
    return _many(result) or nothing()


def delete(context: Context, call: Call) -> Reply:
    """DELETE sobjects/X/{id}: 204."""
    _name(context, call)
    if not is_valid(call.args["id"]):
        raise errors.no_such_external_field(call.args["id"])
    _done(context.org.delete([call.args["id"]], options=call.options)[0])
    return nothing()


# -- by external id ---------------------------------------------------------------------------------------


def read_by(context: Context, call: Call) -> Reply:
    args = call.args
    try:
        row = context.org.retrieve_by(args["object"], args["field"], args["value"], _fields(call), version=call.version)
    except OrgError as error:
        return _choices(context, call, error)
    return _shown(call, row)


def upsert(context: Context, call: Call) -> Reply:
    """PATCH sobjects/X/{field}/{value}: 201 made, 200 found (204 up to version 45), 300 found several."""
    args = call.args
    row = {**_without(call.body.object(), args["field"], args["value"]), args["field"]: args["value"]}
    if call.params.get("updateOnly", "").lower() == "true":
        context.org.retrieve_by(args["object"], args["field"], args["value"], ["Id"])
    try:
        result = context.org.upsert(args["object"], args["field"], [row], options=call.options)[0]
    except OrgError as error:
        return _choices(context, call, error)
    if not result.success:
        return _choices(context, call, result.errors[0]) if len(result.errors) == 1 else _many(result) or nothing()
    body: dict[str, Any] = {"id": result.id, "success": True, "errors": [], "created": result.created}
    if not result.created and float(call.version) < _FIRST_VERSION_WITH_UPSERT_BODY:
        return nothing()
    return _created(context, call, result, body, 201 if result.created else 200)


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
    row = context.org.retrieve_by(call.args["object"], call.args["field"], call.args["value"], ["Id"])
    _done(context.org.delete([row["Id"]], options=call.options)[0])
    return nothing()


def create_by_id(context: Context, call: Call) -> Reply:
    """POST sobjects/X/Id: a plain create; any other external id field cannot be created through."""
    if call.args["id"].lower() != "id":
        raise errors.method_not_allowed("POST", ["HEAD", "GET", "PATCH", "DELETE"])
    return create(context, call)
