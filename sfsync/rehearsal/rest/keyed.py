"""One record per call, by an external id or along a relationship (wire reference 5)."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply, nothing, refusal
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid
from sfsync.rehearsal.rest import relations
from sfsync.rehearsal.rest.recent import note
from sfsync.rehearsal.rest.records import create, created, delete_row, fields_of, name_of, read_row, refused, update_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfsync.rehearsal.org import SaveResult

_FIRST_VERSION_WITH_CREATED = 46  # before, an upsert that updated had no body, one that created no such key
# An external id that ends like this is taken for the name of a file (vendor: Upsert Records by External ID, note).
_FILE_ENDINGS = (".inc",)


def _filed(value: str) -> None:
    if value.lower().endswith(_FILE_ENDINGS):
        raise errors.not_found()


def _check_key(context: Context, name: str, field: str) -> None:
    """A URL that names no key is one that leads nowhere."""
    obj = context.org.seen.find(name)
    if obj is None:
        raise errors.not_found()
    found = obj.find(field)
    if found is None or not (found.indexed or found.name == "Id"):
        raise errors.no_such_external_field(field)


def read_by(context: Context, call: Call) -> Reply:
    """GET sobjects/X/{field}/{value}, or a relationship path when what stands for the field is an id."""
    return _of_key(context, call, lambda one: read_row(context, call, call.args["object"], one))


def _of_key(context: Context, call: Call, act: Callable[[str], Reply]) -> Reply:
    """What ``act`` answers to the id behind a key; several rows with the key are told as choices."""
    args = call.args
    if is_valid(args["field"]):
        return related(context, call)
    _filed(args["value"])
    ids = context.org.find_by(args["object"], args["field"], args["value"])
    if len(ids) > 1:
        return _choices(context, call, errors.multiple_choices(ids))
    if not ids:
        raise errors.not_found()
    return act(ids[0])


def related(context: Context, call: Call) -> Reply:
    """GET, PATCH, DELETE sobjects/X/{id}/{relationship}…"""
    args = call.args
    field = _base64(context, args["object"], args["value"])
    if field is not None:
        raise errors.no_blobs(field)
    path = "/".join((args["value"], args.get("path", "")))
    found = relations.follow(context, args["object"], args["field"], path)
    if isinstance(found, relations.Children):
        return relations.listed(context, call, found, fields_of(call))
    if call.method == "PATCH":
        return update_row(context, call, found.object, found.id)
    if call.method == "DELETE":
        return delete_row(context, call, found.id)
    return read_row(context, call, found.object, found.id)


def _base64(context: Context, name: str, field: str) -> str | None:
    obj = context.org.seen.find(name)
    found = obj.find(field) if obj else None
    return f"{name}.{found.name}" if found is not None and found.type == "base64" else None


def upsert(context: Context, call: Call) -> Reply:
    """PATCH sobjects/X/{field}/{value}: 201 made, 200 found (204 up to version 45), 300 found several."""
    args = call.args
    if is_valid(args["field"]):
        return related(context, call)
    _filed(args["value"])
    _check_key(context, args["object"], args["field"])
    row = {**_without(call.body.object(), args["field"], args["value"]), args["field"]: args["value"]}
    update_only = call.params.get("updateOnly", "").lower() == "true"
    with context.org.transaction() if update_only else nullcontext():
        if update_only and not context.org.find_by(args["object"], args["field"], args["value"]):
            raise errors.not_found()
        result = context.org.upsert(args["object"], args["field"], [row], options=call.options)[0]
    if not result.success:
        return _choices(context, call, result.errors[0]) if result.errors[0].status == 300 else refused(call, result)
    note(context, call, result.id)
    if not result.created and float(call.version) < _FIRST_VERSION_WITH_CREATED:
        return nothing()
    return created(context, call, result, _upserted(call, result), 201 if result.created else 200)


def _upserted(call: Call, result: SaveResult) -> dict[str, Any]:
    """``created`` is there from version 46 on."""
    body: dict[str, Any] = {"id": result.id, "success": True, "errors": []}
    return {**body, "created": result.created} if float(call.version) >= _FIRST_VERSION_WITH_CREATED else body


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
    return refusal(error, f"{call.base}/sobjects/{name_of(context, call)}" if error.status == 300 else call.base)


def delete_by(context: Context, call: Call) -> Reply:
    """DELETE sobjects/X/{field}/{value}, or of a parent by relationship path."""
    return _of_key(context, call, lambda one: delete_row(context, call, one))


def create_by_id(context: Context, call: Call) -> Reply:
    """POST sobjects/X/Id: a plain create; any other external id field cannot be created through."""
    if call.args["id"].lower() != "id":
        raise errors.method_not_allowed("POST", ["HEAD", "GET", "PATCH", "DELETE"])
    reply = create(context, call)
    if reply.status != 201 or float(call.version) < _FIRST_VERSION_WITH_CREATED:
        return reply
    return Reply(201, {**reply.value, "created": True}, headers=reply.headers)
