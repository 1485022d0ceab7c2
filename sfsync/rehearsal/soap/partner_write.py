"""The partner API's writes: create, update, upsert, delete, undelete, merge, emptyRecycleBin.

At most 200 records in a call, one result for each in order. Names the org does not know refuse the call, values it
does not take only their record. Source: vendor, SOAP core calls; partner WSDL, SaveResult and its kin.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from sfsync.rehearsal import errors, xml
from sfsync.rehearsal.call import Call
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.rest.collections import MOST_CHUNKS, MOST_RECORDS, told_apart
from sfsync.rehearsal.rest.rollback import Undo, undo_unless
from sfsync.rehearsal.schema.model import SObject
from sfsync.rehearsal.soap.envelope import Message
from sfsync.rehearsal.soap.partner_call import all_or_none, truncating
from sfsync.rehearsal.soap.partner_xml import as_fault, error_items, row_of
from sfsync.rehearsal.xml import Markup

if TYPE_CHECKING:
    from sfsync.rehearsal.org import SaveResult

Row = dict[str, Any]
_CUT = frozenset({"anyType", "email", "encryptedstring", "multipicklist", "phone", "picklist", "string", "textarea"})

_UNREADABLE = re.compile(r'Cannot deserialize instance of (\w+) from VALUE_STRING value "(.*)" at', re.DOTALL)
_XSD = {"datetime": "dateTime", "currency": "double", "percent": "double"}


def create(context: Context, call: Call, message: Message) -> str:
    return _save(
        context, message, lambda obj, rows: context.org.insert(obj.name, rows, options=call.options), _save_result
    )


def update(context: Context, call: Call, message: Message) -> str:
    return _save(
        context, message, lambda obj, rows: context.org.update(obj.name, rows, options=call.options), _save_result
    )


def upsert(context: Context, call: Call, message: Message) -> str:
    """By ``externalIDFieldName``. OrgError INVALID_FIELD when it is no key of the object."""
    field = message.text("externalIDFieldName") or "Id"

    def save(obj: SObject, rows: list[Row]) -> list[SaveResult]:
        results = context.org.upsert(obj.name, field, rows, options=call.options)
        return [told_apart(result, field, row) for result, row in zip(results, rows, strict=True)]

    return _save(context, message, save, _upsert_result)


def _save(
    context: Context,
    message: Message,
    save: Callable[[SObject, list[Row]], list[SaveResult]],
    show: Callable[[SaveResult], Markup],
) -> str:
    elements = message.body.findall("sObjects")
    _check_size(elements)
    records = [row_of(context.org.seen, element) for element in elements]
    if truncating(message):
        records = [(obj, _cut(obj, row)) for obj, row in records]
    chunks = [(obj, [row for _, row in group]) for obj, group in groupby(records, key=lambda one: one[0])]
    if len(chunks) > MOST_CHUNKS:
        raise errors.too_many_chunks()
    act = lambda: [result for obj, rows in chunks for result in save(obj, rows)]  # noqa: E731 - one expression
    return xml.element("result", [show(one) for one in _together(context, message, act)])


def _check_size(found: Sequence[Any], most: int = MOST_RECORDS) -> None:
    if len(found) > most:
        raise errors.too_many_records(most)


def _cut(obj: SObject, row: Row) -> Row:
    def short(name: str, value: Any) -> Any:
        field = obj.find(name)
        if field is None or field.type not in _CUT or not field.length or not isinstance(value, str):
            return value
        return value.strip()[: field.length]

    return {name: short(name, value) for name, value in row.items()}


def _together(context: Context, message: Message, act: Callable[[], list[SaveResult]]) -> list[SaveResult]:
    """One transaction; AllOrNoneHeader undoes the good rows when one is bad, a text of the wrong type all of them."""
    results: list[SaveResult] = []
    whole = all_or_none(message)
    try:
        with context.org.transaction(strict=whole):
            results = act()
            _refuse_unreadable(results)
            undo_unless(not whole or all(one.success for one in results))
    except Undo:
        return [_rolled_back(one) for one in results]
    return results


def _refuse_unreadable(results: Iterable[SaveResult]) -> None:
    """A text that is no value of its field's type never gets as far as a save: the call cannot be read."""
    for error in (error for one in results for error in one.errors):
        if error.code == "JSON_PARSER_ERROR":
            found = _UNREADABLE.search(error.message)
            kind, value = found.groups() if found else ("", "")
            text = f"'{value}' is not a valid value for the type xsd:{_XSD.get(kind, kind)}"
            raise as_fault(OrgError("INVALID_FIELD", text if found else error.message))


def _rolled_back(result: SaveResult) -> SaveResult:
    return type(result)(None, False, result.created, result.errors or [errors.rolled_back()])


def _save_result(result: SaveResult) -> Markup:
    told = {"id": result.id if result.success else None, "success": result.success}
    return Markup(error_items(result.errors) + xml.content(told))


def _upsert_result(result: SaveResult) -> Markup:
    return Markup(xml.element("created", result.created and result.success) + _save_result(result))


# -- by id --------------------------------------------------------------------------------------------------


def delete(context: Context, call: Call, message: Message) -> str:
    return _by_id(context, message, lambda ids: context.org.delete(ids, options=call.options))


def undelete(context: Context, call: Call, message: Message) -> str:
    return _by_id(context, message, lambda ids: context.org.undelete(ids, options=call.options))


def empty_recycle_bin(context: Context, call: Call, message: Message) -> str:
    return _by_id(context, message, lambda ids: context.org.empty_recycle_bin(ids, options=call.options))


def _by_id(context: Context, message: Message, act: Callable[[list[str]], list[SaveResult]]) -> str:
    # Clients that began before the WSDL said ids (beatbox and its heirs) say id to this day.
    ids = [(one.text or "").strip() for one in message.body if one.tag in ("ids", "id")]
    _check_size(ids)
    results = _together(context, message, lambda: act(ids) if ids else [])
    return xml.element("result", [_save_result(one) for one in results])


# -- merge --------------------------------------------------------------------------------------------------


def merge(context: Context, call: Call, message: Message) -> str:
    """Each request is one merge: a master record with the values to keep, one or two losers."""
    requests = [one for one in message.body if one.find("masterRecord") is not None]
    if not requests:
        raise OrgError("MISSING_ARGUMENT", "A merge needs a request with a masterRecord")
    return xml.element("result", [_merged(context, call, one) for one in requests])


def _merged(context: Context, call: Call, request: Element) -> Markup:
    master = request.find("masterRecord")
    obj, row = row_of(context.org.seen, master if master is not None else request)
    losers = [(one.text or "").strip() for one in request.findall("recordToMergeIds")]
    merged = context.org.merge(obj.name, row, losers, options=call.options)
    told = {
        "id": merged.id,
        "mergedRecordIds": merged.merged_ids,
        "success": merged.success,
        "updatedRelatedIds": merged.related_ids,
    }
    return Markup(error_items(merged.errors) + xml.content(told))
