"""Approval processes over REST (vendor: Process Approvals): list, submit, approve, reject, recall.

A process is told through the control plane: its name, its object and the users who decide, one after the other. What
happened lies in ProcessInstance, ProcessInstanceStep and ProcessInstanceWorkitem, as it does on a real org.
"""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.routes import Route, data

_KIND = "approval"
_ENDS = {"Approve": "Approved", "Reject": "Rejected", "Removed": "Removed"}
_FIELDS = "Id, ProcessDefinitionId, TargetObjectId, Status, SubmittedById, CreatedDate"


def routes() -> list[Route]:
    """The resource; requests of one call stand or fall alone."""
    return [
        data("GET", "/process/approvals", "approvals.list", listed),
        data("POST", "/process/approvals", "approvals", act),
    ]


def define(context: Context, order: dict[str, Any]) -> dict[str, Any]:
    """Keeps ``{"name", "object", "approvers": [username, …]}``; ValueError for an order without sense."""
    name, about, users = str(order["name"]), str(order["object"]), list(order["approvers"])
    found = {row["Username"]: row["Id"] for row in _find(context, "User", "Id, Username")}
    unknown = [u for u in users if u not in found]
    if unknown or not users:
        raise ValueError(f"name users of this org as approvers; unknown: {', '.join(unknown) or 'none named'}")
    row = {"Name": name, "DeveloperName": name, "Type": "Approval", "TableEnumOrId": about, "State": "Active"}
    (made,) = context.org.restore("ProcessDefinition", [row])
    told = {"name": name, "object": about, "approvers": [found[u] for u in users]}
    context.org.state_put(_KIND, made, told)
    return {"id": made} | told


def listed(context: Context, call: Call) -> Reply:
    """GET: active processes by object."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in _find(context, "ProcessDefinition", "Id, Name, TableEnumOrId", State="Active"):
        of_object = found.setdefault(row["TableEnumOrId"], [])
        one = {"description": None, "id": row["Id"], "name": row["Name"], "object": row["TableEnumOrId"]}
        of_object.append(one | {"sortOrder": len(of_object) + 1})
    return Reply(200, {"approvals": found})


def act(context: Context, call: Call) -> Reply:
    """POST {"requests": […]}: one result per request, in order."""
    asked = call.body.object().get("requests")
    if not isinstance(asked, list) or not asked:
        raise OrgError("JSON_PARSER_ERROR", "Missing required field: requests")
    return Reply(200, [_one(context, call, order) for order in asked])


def _one(context: Context, call: Call, order: dict[str, Any]) -> dict[str, Any]:
    try:
        return _done(context, call, order)
    except OrgError as error:
        wrong = {"statusCode": error.code, "message": error.message, "fields": []}
        nothing = dict.fromkeys(("actorIds", "entityId", "instanceId", "instanceStatus", "newWorkitemIds"))
        return nothing | {"errors": [wrong], "success": False}


def _done(context: Context, call: Call, order: dict[str, Any]) -> dict[str, Any]:
    kind, about = str(order.get("actionType")), str(order.get("contextId"))
    if not is_valid(about):
        raise OrgError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if kind == "Submit":
        return _submit(context, call, to18(about), order)
    if kind in _ENDS:
        return _decide(context, to18(about), kind, order)
    raise OrgError("INVALID_ENUM_VALUE", f"Invalid action type: {kind}")


def _submit(context: Context, call: Call, target: str, order: dict[str, Any]) -> dict[str, Any]:
    if _find(context, "ProcessInstance", "Id", TargetObjectId=target, Status="Pending"):
        raise OrgError("ALREADY_IN_PROCESS", "Cannot submit object already in process.")
    process = _process(context, target, order.get("processDefinitionNameOrId"))
    me = str(order.get("contextActorId") or call.options.user_id or context.org.user_id)
    row = {"ProcessDefinitionId": process, "TargetObjectId": target, "Status": "Pending", "SubmittedById": me}
    (instance,) = context.org.restore("ProcessInstance", [row])
    _step(context, instance, "Started", me, order)
    first = _told(context, process)["approvers"][0]
    return _answer(target, instance, "Pending", [first], [_item(context, instance, first)])


def _process(context: Context, target: str, name: Any) -> str:
    """The process that is asked for, or the first one of the record's object."""
    about = context.org.schema.of_id(target)
    rows = _find(context, "ProcessDefinition", "Id, Name, TableEnumOrId", State="Active")
    fits = [r["Id"] for r in rows if about and r["TableEnumOrId"] == about.name and name in (None, r["Id"], r["Name"])]
    if not fits:
        raise OrgError("NO_APPLICABLE_PROCESS", "No applicable approval process was found.")
    return str(fits[0])


def _decide(context: Context, item: str, kind: str, order: dict[str, Any]) -> dict[str, Any]:
    found = _find(context, "ProcessInstanceWorkitem", "Id, ProcessInstanceId, ActorId", Id=item)
    if not found:
        raise OrgError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    instance, actor = found[0]["ProcessInstanceId"], found[0]["ActorId"]
    (row,) = _find(context, "ProcessInstance", _FIELDS, Id=instance)
    _step(context, instance, _ENDS[kind], str(order.get("contextActorId") or actor), order)
    context.org.restore("ProcessInstanceWorkitem", [{**found[0], "IsDeleted": True}])
    approvers = _told(context, row["ProcessDefinitionId"])["approvers"]
    given = len(_find(context, "ProcessInstanceStep", "Id", ProcessInstanceId=instance)) - 1
    if kind == "Approve" and given < len(approvers):
        following = approvers[given]
        items = [_item(context, instance, following)]
        return _answer(row["TargetObjectId"], instance, "Pending", [following], items)
    context.org.restore("ProcessInstance", [{**row, "Status": _ENDS[kind], "LastActorId": actor}])
    return _answer(row["TargetObjectId"], instance, _ENDS[kind], None, [])


def _step(context: Context, instance: str, status: str, actor: str, order: dict[str, Any]) -> None:
    row = {"ProcessInstanceId": instance, "StepStatus": status, "ActorId": actor, "OriginalActorId": actor}
    context.org.restore("ProcessInstanceStep", [row | {"Comments": order.get("comments")}])


def _item(context: Context, instance: str, actor: str) -> str:
    row = {"ProcessInstanceId": instance, "ActorId": actor, "OriginalActorId": actor}
    (made,) = context.org.restore("ProcessInstanceWorkitem", [row])
    return made


def _answer(target: str, instance: str, status: str, actors: list[str] | None, items: list[str]) -> dict[str, Any]:
    about = {"actorIds": actors, "entityId": target, "errors": None, "instanceId": instance}
    return about | {"instanceStatus": status, "newWorkitemIds": items, "success": True}


def _told(context: Context, process: str) -> dict[str, Any]:
    return context.org.state_get(_KIND, process) or {"approvers": []}


def _find(context: Context, object: str, fields: str, **equal: str) -> list[dict[str, Any]]:
    """Rows by id; values are ids that were looked at, or words of ours."""
    where = " AND ".join(f"{name} = '{value}'" for name, value in equal.items())
    soql = f"SELECT {fields} FROM {object}" + (f" WHERE {where}" if where else "") + " ORDER BY Id"  # noqa: S608
    return [{k: v for k, v in row.items() if k != "attributes"} for row in context.org.query(soql).records]
