"""How an answer is written: JSON, or XML where the caller asks for it by ``Accept`` or by a ``.xml`` suffix.

XML is for single resources: rows, queries, lists, errors (wire reference 1). Composite and Bulk 2.0 speak JSON only.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors, xml
from sfsync.rehearsal.xml import Markup

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from sfsync.rehearsal.call import Call, Reply

JSON, XML = "json", "xml"
XML_MEDIA = "application/xml;charset=UTF-8"
_SUFFIX = re.compile(r"\.(json|xml)(?:/|%20)*\Z")
_SLASHES = re.compile("/{2,}")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\+0000")
_SCHEMA = {"xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"}
# Root elements by the kind of the resource, from the vendor's examples.
_ROOTS = {
    "versions": "Versions",
    "resources": "urls",
    "composite.resources": "urls",
    "limits": "LimitsSnapshot",
    "limits.recordCount": "RecordCount",
    "describe.global": "DescribeGlobal",
    "create": "Result",
    "upsert": "Result",
    "query": "QueryResult",
    "queryAll": "QueryResult",
    "queryMore": "QueryResult",
    "recent": "RecentItems",
    "password": "Password",
}
_ITEMS = {"Versions": "Version", "Errors": "Error", "RecentItems": "RecentItem"}
_JSON_ONLY = ("composite", "collections", "bulk", "oauth", "control")


def settle(path: str, accept: str) -> tuple[str, str]:
    """The path without doubled slashes, trailing blanks and format suffix; and the format asked for."""
    plain = _SLASHES.sub("/", path) if "//" in path else path
    while plain.endswith("%20"):
        plain = plain[:-3]
    if "." in plain[-10:] and plain.startswith("/services/data") and (found := _SUFFIX.search(plain)):
        return plain[: found.start()], found.group(1)
    wants_xml = "application/xml" in accept and "json" not in accept and "*/*" not in accept
    return plain, XML if wants_xml else JSON


def written(call: Call, kind: str, reply: Reply) -> Reply:
    """The reply in the caller's format; only what is JSON now can become XML."""
    if call.format != XML or kind.startswith(_JSON_ONLY) or reply.empty or reply.parts is not None:
        return reply
    if not reply.media.startswith("application/json"):
        return reply
    root = "Errors" if reply.status >= 400 else _ROOTS.get(kind) or call.args.get("object", "Result")
    return replace(reply, value=None, text=document(root, reply.json_value()), media=XML_MEDIA)


def document(root: str, value: Any) -> bytes:
    """A JSON value as an XML document. A row's ``attributes`` become attributes of its element."""
    if isinstance(value, dict) and isinstance(value.get("attributes"), dict):
        root = str(value["attributes"].get("type", root))
    if isinstance(value, list):
        item = _ITEMS.get(root, "Item")
        inner = Markup("".join(_element(item, one) for one in value))
        return f"{xml.HEAD}{xml.element(root, inner, _SCHEMA)}".encode("utf-8", "replace")
    return f"{xml.HEAD}{_element(root, value, _SCHEMA)}".encode("utf-8", "replace")


def _element(tag: str, value: Any, more: dict[str, str] | None = None) -> Markup:
    attributes = dict(more or {})
    if isinstance(value, list):
        return Markup("".join(_element(tag, one, more) for one in value))
    if not isinstance(value, dict):
        return xml.element(tag, _scalar(value), attributes)
    own = value.get("attributes")
    if isinstance(own, dict):
        attributes |= {name: str(one) for name, one in own.items()}
    inner = "".join(_element(name, one) for name, one in value.items() if name != "attributes")
    return xml.element(tag, Markup(inner), attributes)


def _scalar(value: Any) -> Any:
    """Datetimes end in ``Z`` in XML."""
    return _INSTANT.sub(r"\1Z", value) if isinstance(value, str) and value.endswith("+0000") else value


def row(raw: bytes) -> dict[str, Any]:
    """The record of an XML request body: its elements are the fields, ``xsi:nil`` empties one, nesting refers.

    OrgError XML_PARSER_ERROR for what is not XML.
    """
    if not raw.strip():
        raise errors.body_required()
    try:
        return _fields(xml.parse(raw))
    except xml.XmlError as error:
        raise errors.xml_parser(str(error)) from error


def _fields(parent: Element) -> dict[str, Any]:
    return {child.tag: _value(child) for child in parent}


def _value(element: Element) -> Any:
    if element.get(xml.NIL, "").lower() in ("true", "1"):
        return None
    return _fields(element) if len(element) else element.text or ""
