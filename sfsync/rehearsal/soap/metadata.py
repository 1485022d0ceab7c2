"""The metadata API over SOAP: /services/Soap/m/{version} (Metadata API Developer Guide; names as in its WSDL)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from sfsync.rehearsal import errors, xml
from sfsync.rehearsal.call import Call
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.metadata import crud, jobs, listing, retrieve
from sfsync.rehearsal.metadata.package import members
from sfsync.rehearsal.metadata.results import Options, without_details
from sfsync.rehearsal.soap.envelope import Message, Operation
from sfsync.rehearsal.xml import Markup, flag, text

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")


def _user(context: Context, call: Call) -> tuple[str, str]:
    """Id and name of the caller."""
    user_id = call.session.user_id if call.session else context.org.user_id
    return user_id, context.org.retrieve("User", user_id, ["Name"])["Name"]


def _result(value: Any) -> str:
    return xml.element("result", _dated(value))


def _dated(value: Any) -> Any:
    """Instants end in Z here, where REST says +0000 (wire reference 1)."""
    if isinstance(value, Mapping):
        return {name: _dated(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_dated(one) for one in value]
    return value.replace("+0000", "Z") if isinstance(value, str) and _INSTANT.fullmatch(value) else value


def _guarded(act: Operation) -> Operation:
    """For administrators only."""

    def guarded(context: Context, call: Call, message: Message) -> str:
        if call.session:
            jobs.require_rights(context.org, call.session.user_id)
        return act(context, call, message)

    return guarded


def _any_case(parent: Element, name: str) -> Element | None:
    """A parameter by name; clients differ in its first letter (ZipFile, zipFile)."""
    return next((one for one in parent if one.tag.lower() == name.lower()), None)


# -- files ------------------------------------------------------------------------------------------------


def deploy(context: Context, call: Call, message: Message) -> str:
    archive, told = _any_case(message.body, "zipFile"), _any_case(message.body, "deployOptions")
    options = _options(told if told is not None else Element("deployOptions"))
    try:
        raw = base64.b64decode("".join((archive.text or "").split()) if archive is not None else "", validate=True)
    except binascii.Error as error:
        raise errors.OrgError("INVALID_TYPE", "the zip file is not base64") from error
    result = jobs.start_deploy(context.org, _user(context, call)[0], raw, options)
    return _result(_queued(result["id"]))


def _queued(job: str) -> dict[str, Any]:
    """AsyncResult of a call that will be asked for again."""
    return {"done": False, "id": job, "state": "Queued"}


def _options(told: Element) -> Options:
    return Options(
        check_only=flag(told, "checkOnly"),
        rollback_on_error=flag(told, "rollbackOnError", True),
        ignore_warnings=flag(told, "ignoreWarnings"),
        run_tests=tuple((one.text or "").strip() for one in told.findall("runTests") if (one.text or "").strip()),
        test_level=text(told, "testLevel", "NoTestRun"),
        single_package=flag(told, "singlePackage", True),
    )


def check_deploy_status(context: Context, call: Call, message: Message) -> str:
    result = jobs.deploy_of(context.org, message.text("asyncProcessId"))
    return _result(result if flag(message.body, "includeDetails") else without_details(result))


def check_status(context: Context, call: Call, message: Message) -> str:
    """The state of any job, as API versions before 31 ask for it."""
    job = message.text("asyncProcessId")
    found = jobs.find(context.org, job, job[:3])
    state = "Completed" if found["result"]["success"] else "Error"
    return _result({"done": True, "id": job, "state": state})


def deploy_recent_validation(context: Context, call: Call, message: Message) -> str:
    result = jobs.quick_deploy(context.org, _user(context, call)[0], message.text("validationId"))
    return _result(result["id"])


def cancel_deploy(context: Context, call: Call, message: Message) -> str:
    asked = message.text("String") or message.text("asyncProcessId") or message.text("id")
    return _result(jobs.cancel(context.org, asked))


def start_retrieve(context: Context, call: Call, message: Message) -> str:
    request = next(iter(message.body), Element("request"))
    manifest = request.find("unpackaged")
    named = members(manifest) if manifest is not None else []
    packages = [(one.text or "").strip() for one in request.findall("packageNames")]
    version = text(request, "apiVersion") or call.version
    return _result(_queued(retrieve.start(context.org, _user(context, call), named, packages, version)))


def check_retrieve_status(context: Context, call: Call, message: Message) -> str:
    result = jobs.find(context.org, message.text("asyncProcessId"), jobs.RETRIEVE)["result"]
    wanted = flag(message.body, "includeZip", True)
    return _result(result if wanted else {key: value for key, value in result.items() if key != "zipFile"})


# -- what there is ----------------------------------------------------------------------------------------


def describe_metadata(context: Context, call: Call, message: Message) -> str:
    return _result(listing.describe())


def list_metadata(context: Context, call: Call, message: Message) -> str:
    queries, user = message.body.findall("queries"), _user(context, call)
    found = [one for query in queries for one in listing.listed(context.org, text(query, "type"))]
    return _result([listing.properties(context.org, one, user) for one in found])


# -- one by one -------------------------------------------------------------------------------------------


def _names(message: Message) -> list[str]:
    return [(one.text or "").strip() for one in message.body.findall("fullNames")]


def create(context: Context, call: Call, message: Message) -> str:
    return _result(crud.save(context.org, message.body.findall("metadata"), "create"))


def update(context: Context, call: Call, message: Message) -> str:
    return _result(crud.save(context.org, message.body.findall("metadata"), "update"))


def upsert(context: Context, call: Call, message: Message) -> str:
    return _result(crud.save(context.org, message.body.findall("metadata"), "upsert"))


def delete(context: Context, call: Call, message: Message) -> str:
    return _result(crud.delete(context.org, message.text("type"), _names(message)))


def rename(context: Context, call: Call, message: Message) -> str:
    old, new = message.text("oldFullName"), message.text("newFullName")
    return _result(crud.rename(context.org, message.text("type"), old, new))


def read(context: Context, call: Call, message: Message) -> str:
    kind = message.text("type")
    found = crud.read(context.org, kind, _names(message))
    return _result(Markup("".join(_record(one, kind) for one in found)))


def _record(root: Element | None, kind: str) -> str:
    """A component; an empty record for one that is not there."""
    inside = "" if root is None else "".join(ElementTree.tostring(one, encoding="unicode") for one in root)
    return xml.element("records", Markup(inside), {"xsi:type": kind})


_ACTS: Mapping[str, Operation] = MappingProxyType(
    {
        "deploy": deploy,
        "checkDeployStatus": check_deploy_status,
        "checkStatus": check_status,
        "deployRecentValidation": deploy_recent_validation,
        "cancelDeploy": cancel_deploy,
        "retrieve": start_retrieve,
        "checkRetrieveStatus": check_retrieve_status,
        "describeMetadata": describe_metadata,
        "listMetadata": list_metadata,
        "createMetadata": create,
        "readMetadata": read,
        "updateMetadata": update,
        "upsertMetadata": upsert,
        "deleteMetadata": delete,
        "renameMetadata": rename,
    }
)
OPERATIONS: Mapping[str, Operation] = MappingProxyType({name: _guarded(act) for name, act in _ACTS.items()})
FREE = frozenset({"checkDeployStatus", "checkStatus", "checkRetrieveStatus"})  # not counted (vendor guide)
