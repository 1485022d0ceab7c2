"""sObjects between XML and rows, and errors as the partner API words them.

A record is ``sf:type``, ``sf:Id`` (nil when it was not asked for), then the fields in the order asked, Id among them
once more if it was. Datetimes end in ``Z``. Source: the vendor's partner WSDL, types sObject, QueryResult, Error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from sfsync.rehearsal import errors, xml
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.schema.model import Schema, SObject
from sfsync.rehearsal.soap.envelope import Fault
from sfsync.rehearsal.xml import Markup

_DATETIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\+0000")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_PLACE = re.compile(r"ERROR at Row:(\d+):Column:(\d+)")
_XSD = {bool: "boolean", int: "int", float: "double"}
_LOCATION = ("latitude", "longitude")
_KINDS = {
    "INVALID_FIELD": "InvalidFieldFault",
    "INVALID_TYPE": "InvalidSObjectFault",
    "MALFORMED_QUERY": "MalformedQueryFault",
    "MALFORMED_SEARCH": "MalformedSearchFault",
    "INVALID_QUERY_LOCATOR": "InvalidQueryLocatorFault",
    "MALFORMED_ID": "InvalidIdFault",
    "INVALID_NEW_PASSWORD": "InvalidNewPasswordFault",
}
_PLACED = frozenset({"InvalidFieldFault", "InvalidSObjectFault", "MalformedQueryFault", "MalformedSearchFault"})


# -- writing ------------------------------------------------------------------------------------------------


def instant(text: str) -> str:
    """A REST datetime as xsd:dateTime."""
    found = _DATETIME.fullmatch(text)
    return f"{found.group(1)}Z" if found else text


def record(tag: str, row: Mapping[str, Any] | None) -> Markup:
    """A row as REST shows it, as an sObject element; None is nil."""
    if row is None:
        return xml.element(tag, None)
    kind = row.get("attributes", {}).get("type", "")
    aggregate = kind == "AggregateResult"
    parts = [xml.element("sf:type", kind), xml.element("sf:Id", row.get("Id"))]
    parts += [_field(f"sf:{name}", value, aggregate) for name, value in row.items() if name != "attributes"]
    return xml.element(tag, Markup("".join(parts)), {"xsi:type": "sf:sObject"})


def _field(tag: str, value: Any, typed: bool) -> Markup:
    if isinstance(value, Mapping):
        return _nested(tag, value)
    if isinstance(value, str):
        value = instant(value)
    attributes = {"xsi:type": f"xsd:{_xsd(value)}"} if typed and value is not None else None
    return xml.element(tag, value, attributes)


def _xsd(value: Any) -> str:
    """Values of an aggregate carry their type, since no describe tells it."""
    if isinstance(value, str):
        return "dateTime" if value.endswith("Z") and "T" in value else "date" if _DATE.fullmatch(value) else "string"
    return _XSD.get(type(value), "string")


def _nested(tag: str, value: Mapping[str, Any]) -> Markup:
    """A parent row, the rows of a subquery, or a compound value."""
    if "attributes" in value:
        return record(tag, value)
    if "records" in value:
        return xml.element(tag, query_result(value), {"xsi:type": "QueryResult"})
    place = {name: value[name] for name in _LOCATION if name in value}
    rest = {name: one for name, one in sorted(value.items()) if name not in _LOCATION}
    return xml.element(tag, {**place, **rest}, {"xsi:type": "address" if rest else "location"})


def query_result(page: Mapping[str, Any]) -> Markup:
    """What stands inside a QueryResult, from the JSON of a page."""
    following = page.get("nextRecordsUrl")
    parts = [
        xml.element("done", bool(page["done"])),
        xml.element("queryLocator", following.rpartition("/")[2] if following else None),
        *[record("records", row) for row in page["records"]],
        xml.element("size", page["totalSize"]),
    ]
    return Markup("".join(parts))


def error_items(found: Iterable[OrgError]) -> Markup:
    """The ``errors`` elements of a result; one of a duplicate rule carries what it found."""
    return Markup("".join(map(_error, found)))


def _error(error: OrgError) -> Markup:
    told = {"fields": list(error.fields or []), "message": error.message, "statusCode": error.code}
    duplicates = (error.extra or {}).get("duplicateResult")
    if duplicates is None:
        return xml.element("errors", told)
    inside = xml.content({**told, "duplicateResult": _duplicates(duplicates)})
    return xml.element("errors", inside, {"xsi:type": "DuplicateError"})


def _duplicates(result: Mapping[str, Any]) -> dict[str, Any]:
    """A duplicateResult in the WSDL's order, which is alphabetical; its records as sObjects."""
    matches = [
        {**match, "matchRecords": [_match(one) for one in match["matchRecords"]]} for match in result["matchResults"]
    ]
    return dict(sorted({**result, "matchResults": [dict(sorted(one.items())) for one in matches]}.items()))


def _match(found: Mapping[str, Any]) -> Markup:
    plain = {name: one for name, one in sorted(found.items()) if name != "record"}
    return Markup(xml.content(plain) + record("record", found["record"]))


# -- faults -------------------------------------------------------------------------------------------------


def as_fault(error: OrgError) -> Fault:
    """An error of the whole call with the detail the WSDL gives it; query errors say row and column."""
    if isinstance(error, Fault):
        return error
    kind = _KINDS.get(error.code, "UnexpectedErrorFault")
    place = _PLACE.search(error.message)
    row, column = place.groups() if place else ("-1", "-1")
    more = f"<sf:row>{row}</sf:row><sf:column>{column}</sf:column>" if kind in _PLACED else ""
    return Fault(error.code, error.message, kind, more)


def unknown_type(name: str) -> Fault:
    return as_fault(OrgError("INVALID_TYPE", errors.not_supported(name)))


def unknown_field(name: str, entity: str) -> Fault:
    return as_fault(OrgError("INVALID_FIELD", errors.no_such_column(name, entity)))


# -- reading ------------------------------------------------------------------------------------------------


def row_of(schema: Schema, element: Element) -> tuple[SObject, dict[str, Any]]:
    """An sObject element as object and row. A nil field is left alone; ``fieldsToNull`` empties.

    Fault INVALID_TYPE or INVALID_FIELD for names the org does not know: the whole call is refused then.
    """
    kind = xml.text(element, "type")
    obj = schema.find(kind)
    if obj is None:
        raise unknown_type(kind)
    row: dict[str, Any] = {}
    for child in element:
        if child.tag == "fieldsToNull":
            row[_known(obj, (child.text or "").strip())] = None
        elif child.tag != "type" and child.get(xml.NIL) not in ("true", "1"):
            row[_known(obj, child.tag)] = _value(child)
    if row.get("Id") == "":
        del row["Id"]
    return obj, row


def _known(obj: SObject, name: str) -> str:
    found = obj.find(name)
    if found is not None:
        return found.name
    if obj.relation(name) is None:
        raise unknown_field(name, obj.name)
    return name


def _value(element: Element) -> Any:
    """A field's text, or a parent named by one of its keys."""
    if not len(element):
        return element.text or ""
    named = {child.tag: child.text or "" for child in element if child.tag not in ("type", "fieldsToNull")}
    if named.get("Id") == "":
        del named["Id"]
    return {"attributes": {"type": xml.text(element, "type")}, **named}
