"""The partner API's reads: query, queryAll, queryMore, retrieve, getUpdated, getDeleted.

They go through the handlers of the REST API, so both show the same rows in the same pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sfsync.rehearsal import errors, xml
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid
from sfsync.rehearsal.rest import changes
from sfsync.rehearsal.rest import query as rest_query
from sfsync.rehearsal.rest.collections import MOST_RETRIEVED
from sfsync.rehearsal.soap.envelope import Message
from sfsync.rehearsal.soap.partner_xml import as_fault, instant, query_result, record, unknown_field, unknown_type

Handler = Callable[[Context, Call], Reply]
_ZONE = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")


def query(context: Context, call: Call, message: Message) -> str:
    return _page(context, call, rest_query.query, {"q": message.text("queryString")})


def query_all(context: Context, call: Call, message: Message) -> str:
    return _page(context, call, rest_query.query_all, {"q": message.text("queryString")})


def query_more(context: Context, call: Call, message: Message) -> str:
    return _page(context, replace(call, args={**call.args, "locator": message.text("queryLocator")}), rest_query.more)


def _page(context: Context, call: Call, handler: Handler, params: dict[str, str] | None = None) -> str:
    page = _asked(context, replace(call, params=params or {}), handler)
    return xml.element("result", query_result(page), {"xsi:type": "QueryResult"})


def _asked(context: Context, call: Call, handler: Handler) -> dict[str, Any]:
    try:
        value: dict[str, Any] = handler(context, call).json_value()
    except OrgError as error:
        raise as_fault(error) from error
    return value


def retrieve(context: Context, call: Call, message: Message) -> str:
    """Records by id in the order asked, nil for what is not there."""
    names = [name.strip() for name in message.text("fieldList").split(",") if name.strip()]
    ids = [(one.text or "").strip() for one in message.body.findall("ids")]
    obj = context.org.seen.find(message.text("sObjectType"))
    if obj is None:
        raise unknown_type(message.text("sObjectType"))
    for name in names:
        if not name.isidentifier() or not obj.has(name):
            raise unknown_field(name, obj.name)
    if len(ids) > MOST_RETRIEVED:
        raise errors.too_many_records(MOST_RETRIEVED)
    bad = next((one for one in ids if not is_valid(one)), None)
    if bad is not None:
        raise as_fault(errors.malformed_id_delete(bad))
    try:
        rows = context.org.retrieve_many(obj.name, ids, names, version=call.version)
    except OrgError as error:
        raise as_fault(error) from error
    return "".join(record("result", row) for row in rows)


def get_updated(context: Context, call: Call, message: Message) -> str:
    found = _asked(context, _span(context, call, message), changes.updated)
    return xml.element("result", {"ids": found["ids"], "latestDateCovered": instant(found["latestDateCovered"])})


def get_deleted(context: Context, call: Call, message: Message) -> str:
    found = _asked(context, _span(context, call, message), changes.deleted)
    rows = [{"deletedDate": instant(one["deletedDate"]), "id": one["id"]} for one in found["deletedRecords"]]
    dates = {name: instant(found[name]) for name in ("earliestDateAvailable", "latestDateCovered")}
    return xml.element("result", {"deletedRecords": rows, **dates})


def _span(context: Context, call: Call, message: Message) -> Call:
    if context.org.seen.find(message.text("sObjectType")) is None:
        raise unknown_type(message.text("sObjectType"))
    params = {"start": _moment(message.text("startDate")), "end": _moment(message.text("endDate"))}
    return replace(call, args={**call.args, "object": message.text("sObjectType")}, params=params)


def _moment(text: str) -> str:
    """An xsd:dateTime may go without a zone; it is then in UTC."""
    return text if "T" not in text or _ZONE.search(text) else f"{text}Z"
