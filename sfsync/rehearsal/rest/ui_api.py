"""The part of the User Interface API that tells of objects: object info and picklist values by record type."""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.routes import Route, data
from sfsync.rehearsal.schema import ui_api
from sfsync.rehearsal.schema.describe import MASTER_ID, pages
from sfsync.rehearsal.schema.model import RecordTypeDef, SObject


def routes() -> list[Route]:
    one = "/ui-api/object-info/{object}"
    values = one + "/picklist-values/{type}"
    return [
        data("GET", one, "ui.objectInfo", object_info),
        data("GET", values, "ui.picklistValues", all_picklist_values),
        data("GET", values + "/{field}", "ui.picklistValues", picklist_values),
    ]


def object_info(context: Context, call: Call) -> Reply:
    obj = _object(context, call)
    return Reply(200, ui_api.object_info(context.org.seen, obj, context.org.record_type_rows(obj.name)))


def all_picklist_values(context: Context, call: Call) -> Reply:
    obj = _object(context, call)
    return Reply(200, ui_api.all_picklist_values(obj, _record_type(context, call, obj), _url(call, obj)))


def picklist_values(context: Context, call: Call) -> Reply:
    obj = _object(context, call)
    field = obj.find(call.args["field"])
    if field is None or field.type not in ("picklist", "multipicklist"):
        raise errors.not_found()
    url = f"{_url(call, obj)}/{field.name}"
    return Reply(200, ui_api.picklist_values(obj, field, _record_type(context, call, obj), url))


def _object(context: Context, call: Call) -> SObject:
    """OrgError INVALID_TYPE for an object without a page of its own."""
    found = context.org.seen.find(call.args["object"])
    if found is None or "layouts" not in pages(found):
        raise OrgError("INVALID_TYPE", f"Object {call.args['object']} is not supported in UI API")
    return found


def _record_type(context: Context, call: Call, obj: SObject) -> RecordTypeDef | None:
    """The record type of the path; None for the Master, and for one made as a row without metadata."""
    given = to18(call.args["type"]) if is_valid(call.args["type"]) else ""
    names: dict[Any, str] = {row[0]: row[2] for row in context.org.record_type_rows(obj.name)}
    if given != MASTER_ID and given not in names:
        raise errors.not_found()
    return next((one for one in obj.record_types if one.developer_name == names.get(given)), None)


def _url(call: Call, obj: SObject) -> str:
    return f"{call.base}/ui-api/object-info/{obj.name}/picklist-values/{call.args['type']}"
