"""The partner API's describes: the JSON of the REST describes in the WSDL's order, which is alphabetical.

Source: the vendor's partner WSDL, DescribeSObjectResult, DescribeGlobalSObjectResult, Field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfsync.rehearsal import xml
from sfsync.rehearsal.call import Call
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.soap.envelope import Message
from sfsync.rehearsal.soap.partner_xml import unknown_type
from sfsync.rehearsal.xml import Markup

MOST_OBJECTS = 100
# What only REST tells, and the lists that the WSDL leaves out when they are empty anyway.
_REST_ONLY = frozenset({"listviewable", "lookupLayoutable", "sobjectDescribeOption", "urls"})
_NEWER = {
    "associateEntityType": 50,
    "associateParentEntity": 50,
    "defaultImplementation": 46,
    "extendedBy": 48,
    "extendsInterfaces": 48,
}
_NIL = frozenset(
    {
        *("keyPrefix", "networkScopeFieldName", "defaultImplementation", "implementedBy", "implementsInterfaces"),
        *("extendedBy", "extendsInterfaces", "associateEntityType", "associateParentEntity"),
        *("urlDetail", "urlEdit", "urlNew", "recordTypeId"),
    }
)


def describe_global(context: Context, call: Call, message: Message) -> str:
    found = context.org.describe_global()
    shown = [_object(one, call) for one in found["sobjects"]]
    return xml.element(
        "result", {"encoding": found["encoding"], "maxBatchSize": found["maxBatchSize"], "sobjects": shown}
    )


def describe_sobject(context: Context, call: Call, message: Message) -> str:
    return xml.element("result", _described(context, call, message.text("sObjectType")))


def describe_sobjects(context: Context, call: Call, message: Message) -> str:
    names = [(one.text or "").strip() for one in message.body.findall("sObjectType")]
    if len(names) > MOST_OBJECTS:
        raise OrgError("EXCEEDED_ID_LIMIT", f"Too many types in one call: at most {MOST_OBJECTS}")
    return xml.element("result", [_described(context, call, name) for name in names])


def _described(context: Context, call: Call, name: str) -> Markup:
    if context.org.seen.find(name) is None:
        raise unknown_type(name)
    found = context.org.describe(name)
    site = f"{context.site(call)}/{{ID}}"
    prefix = found.get("keyPrefix")
    urls = {
        "urlDetail": site,
        "urlEdit": f"{site}/e",
        "urlNew": f"{context.site(call)}/{prefix}/e" if prefix else None,
    }
    return _object({**found, **urls}, call)


def _object(found: Mapping[str, Any], call: Call) -> Markup:
    """An object's entry; what came with a later version than the call's is left out."""
    told = {
        name: value
        for name, value in {**found, "idEnabled": True}.items()
        if name not in _REST_ONLY and _NEWER.get(name, 0) <= float(call.version)
    }
    return _alphabetical(told)


def _alphabetical(told: Mapping[str, Any]) -> Markup:
    """Keys in order; what may be left out is, what must stand there is nil."""
    shown = []
    for name, value in sorted(told.items()):
        if name in _REST_ONLY or (value is None and name not in _NIL):
            continue
        shown.append(xml.element(name, _value(value)))
    return Markup("".join(shown))


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _alphabetical(value)
    return [_value(one) for one in value] if isinstance(value, list) else value
