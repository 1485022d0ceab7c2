"""Describe answers in REST's shape: every key Salesforce shows (wire reference section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sfsync.rehearsal.schema.companions import EVENT
from sfsync.rehearsal.schema.describe_field import describe_field
from sfsync.rehearsal.schema.model import Child, Schema, SObject

VERSION = "60.0"
MASTER_ID = "012000000000000AAA"
# Keys that describes have shown only from a version on.
_ASSOCIATES_SINCE, _OPTION_SINCE, _SCOPING_SINCE = 49, 51, 53
_DEFAULT_VALUES_UNTIL = 51
_PAGES = ("compactLayouts", "approvalLayouts", "listviews", "quickActions", "layouts")
# Which of the pages an object has, where it does not follow from its calls (recorded describe-global).
_LAYOUTS = ("compactLayouts", "layouts")
_OWN_PAGES: Mapping[str, tuple[str, ...]] = {
    "CampaignMember": _LAYOUTS,
    "CaseComment": ("layouts",),
    "ContentDocument": _LAYOUTS,
    "DuplicateRecordItem": (*_LAYOUTS, "approvalLayouts"),
    "DuplicateRecordSet": (*_LAYOUTS, "approvalLayouts"),
    "EmailMessage": (*_LAYOUTS, "approvalLayouts", "quickActions"),
    "Entitlement": (*_LAYOUTS, "approvalLayouts"),
    "EntityMilestone": (*_LAYOUTS, "approvalLayouts", "quickActions"),
    "Event": (*_LAYOUTS, "quickActions"),
    "FeedItem": ("layouts", "quickActions"),
    "ServiceContract": (*_LAYOUTS, "approvalLayouts", "quickActions"),
    "Task": (*_LAYOUTS, "quickActions"),
    "Topic": _LAYOUTS,
    "User": (*_LAYOUTS, "quickActions"),
    "WorkOrder": (*_LAYOUTS, "approvalLayouts", "quickActions"),
}
# References that are no child relationship of their target.
_NO_CHILD = frozenset({"MasterRecordId", "PersonContactId", "LeadOrContactOwnerId"})
# A restricted delete that is shown as a cascading one as well.
_BOTH_RULES = frozenset({("Contract", "AccountId"), ("Entitlement", "AccountId"), ("Order", "AccountId")})
_OWN_URLS: Mapping[str, Mapping[str, str]] = {
    "Case": {"caseArticleSuggestions": "/suggestedArticles", "caseRowArticleSuggestions": "/{ID}/suggestedArticles"},
    "User": {"namedLayouts": "/describe/namedLayouts/{LayoutName}", "passwordUtilities": "/{ID}/password"},
    "Event": {"eventSeriesUpdates": "/{ID}/fromThisEventOnwards"},
}

# The order in which addresses are shown (recorded).
_URL_ORDER = (
    "compactLayouts rowTemplate approvalLayouts uiDetailTemplate uiEditTemplate eventSchema eventSeriesUpdates"
    " namedLayouts passwordUtilities caseArticleSuggestions caseRowArticleSuggestions defaultValues listviews describe"
    " uiNewRecord quickActions layouts sobject"
)


def all_objects(schema: Schema, version: str = VERSION) -> dict[str, Any]:
    """The describe-global answer."""
    entries = [summary(schema.objects[name], version) for name in sorted(schema.objects)]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": entries}


def summary(obj: SObject, version: str = VERSION) -> dict[str, Any]:
    """An object's entry in describe-global."""
    kind, parent = obj.associate or (None, None)
    found = {
        "activateable": False,
        "associateEntityType": kind,
        "associateParentEntity": parent,
        "createable": "C" in obj.calls,
        "custom": obj.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": "D" in obj.calls,
        "deprecatedAndHidden": False,
        "feedEnabled": "F" in obj.calls,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": obj.prefix if obj.own_prefix else None,
        "label": obj.label,
        "labelPlural": obj.plural,
        "layoutable": "L" in obj.calls,
        "mergeable": "M" in obj.calls,
        "mruEnabled": "V" in obj.calls,
        "name": obj.name,
        "queryable": "Q" in obj.calls,
        "replicateable": "P" in obj.calls,
        "retrieveable": "R" in obj.calls,
        "searchable": "S" in obj.calls,
        "triggerable": "T" in obj.calls,
        "undeletable": "N" in obj.calls,
        "updateable": "U" in obj.calls,
        **(obj.shown or {}),
        "urls": _urls(obj, version),
    }
    if _number(version) < _ASSOCIATES_SINCE:
        del found["associateEntityType"], found["associateParentEntity"]
    return found


def _number(version: str) -> int:
    return int(version.partition(".")[0])


def pages(obj: SObject) -> tuple[str, ...]:
    """The describe resources an object has beside describe itself."""
    if obj.name in _OWN_PAGES:
        return _OWN_PAGES[obj.name]
    if "L" not in obj.calls:
        return ()
    return _PAGES if obj.custom or ("T" in obj.calls and "V" in obj.calls) else _LAYOUTS


def _urls(obj: SObject, version: str) -> dict[str, str]:
    base = f"/services/data/v{version}/sobjects/{obj.name}"
    places = {"listviews": "/listviews", "quickActions": "/quickActions"}
    found = {
        "rowTemplate": base + "/{ID}",
        **{name: base + places.get(name, f"/describe/{name}") for name in pages(obj)},
        **{name: base + end for name, end in _OWN_URLS.get(obj.name, {}).items()},
        "describe": f"{base}/describe",
        "sobject": base,
    }
    if obj.associate and obj.associate[0] == "ChangeEvent":
        found["eventSchema"] = f"{base}/eventSchema"
    return _ordered(found)


def _ordered(urls: Mapping[str, str]) -> dict[str, str]:
    return {name: urls[name] for name in _URL_ORDER.split() if name in urls}


def _all_urls(obj: SObject, version: str, instance: str) -> dict[str, str]:
    """Describe adds the pages people see, on the org's own host."""
    found = _urls(obj, version)
    if not pages(obj):
        return found
    if _number(version) <= _DEFAULT_VALUES_UNTIL:
        found["defaultValues"] = f"{found['sobject']}/defaultValues?recordTypeId&fields"
    start = f"{instance}/{obj.prefix}/e"
    more = {"uiDetailTemplate": instance + "/{ID}", "uiEditTemplate": instance + "/{ID}/e", "uiNewRecord": start}
    return _ordered(found | more)


def fields(obj: SObject) -> list[dict[str, Any]]:
    """The ``fields`` of a describe: the same for every version, so they can be kept."""
    found = [describe_field(one) for one in obj.fields]
    event = obj.associate is not None and obj.associate[0] == "ChangeEvent"
    return [one | EVENT for one in found] if event else found


def one_object(
    obj: SObject,
    record_types: Iterable[Sequence[Any]],
    version: str = VERSION,
    instance: str = "",
    described: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """The describe answer of one object.

    ``record_types`` are rows (Id, Name, DeveloperName, IsActive), ``instance`` the org's own address,
    ``described`` the answer of ``fields``, if it is at hand.
    """
    laid_out = "layouts" in pages(obj)
    head = summary(obj, version) | {
        "actionOverrides": [],
        "childRelationships": _children(obj),
        "compactLayoutable": "compactLayouts" in pages(obj),
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": fields(obj) if described is None else described,
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": record_type_infos(obj, record_types, version) if laid_out else [],
        "searchLayoutable": laid_out and "S" in obj.calls,
        "supportedScopes": _scopes(obj, version),
        "urls": _all_urls(obj, version, instance),
    }
    if _number(version) >= _OPTION_SINCE:
        head["sobjectDescribeOption"] = "FULL"
    return dict(sorted(head.items()))


def _scopes(obj: SObject, version: str) -> list[dict[str, str]]:
    if "Q" not in obj.calls or "layouts" not in pages(obj):
        return []
    found = {"everything": f"All {obj.plural.lower()}", **dict(obj.scopes)}
    if obj.custom and obj.has("OwnerId"):
        found |= {"mine": f"My {obj.plural.lower()}", "scopingRule": "Filter by scope"}
    if _number(version) < _SCOPING_SINCE:
        found.pop("scopingRule", None)
    return [{"label": found[name], "name": name} for name in sorted(found)]


def _children(obj: SObject) -> list[dict[str, Any]]:
    """By name of the child; those from change events can neither be queried nor do they hold rows."""
    found = [_child(one) for one in obj.children if one.field.name not in _NO_CHILD]
    bare = {"cascadeDelete": False, "relationshipName": None, "restrictedDelete": False}
    found += [_child(one) | bare for one in obj.outside if one.field.name not in _NO_CHILD]
    return sorted(found, key=lambda one: (one["childSObject"], one["field"]))


def _child(one: Child) -> dict[str, Any]:
    return {
        "cascadeDelete": one.field.on_delete == "cascade" or (one.object, one.field.name) in _BOTH_RULES,
        "childSObject": one.object,
        "deprecatedAndHidden": False,
        "field": one.field.name,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": one.field.child_name,
        "restrictedDelete": one.field.on_delete == "restrict",
    }


def record_type_infos(obj: SObject, rows: Iterable[Sequence[Any]], version: str) -> list[dict[str, Any]]:
    """The record types, the Master last; nobody's profile has another default."""
    master = (MASTER_ID, "Master", "Master", True)
    return [_record_type(obj, row, version, master=row is master) for row in (*rows, master)]


def _record_type(obj: SObject, row: Sequence[Any], version: str, *, master: bool) -> dict[str, Any]:
    record_id, name, developer_name, active = row
    return {
        "active": bool(active),
        "available": bool(active),
        "defaultRecordTypeMapping": master,
        "developerName": developer_name,
        "master": master,
        "name": name,
        "recordTypeId": record_id,
        "urls": {"layout": f"/services/data/v{version}/sobjects/{obj.name}/describe/layouts/{record_id}"},
    }
