"""Deploys and retrieves by id, kept with the org: what has been answered can be asked for again after a restart.

The work is done before the first answer; callers that poll find it finished, as a quick org would have it.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.ids import is_valid, new_id, to18
from sfsync.rehearsal.metadata.component import SourceError
from sfsync.rehearsal.metadata.deploy import deploy
from sfsync.rehearsal.metadata.package import Package, read_package, unzip
from sfsync.rehearsal.metadata.results import SUCCEEDED, Options, deploy_result

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

DEPLOY, RETRIEVE = "0Af", "09S"
_KIND, _LAST = "metadata job", "metadata job number"


def require_rights(org: Org, user_id: str) -> None:
    """OrgError INSUFFICIENT_ACCESS for users who may not change metadata: all but administrators."""
    if not org.is_administrator(user_id):
        text = "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions"
        raise errors.OrgError("INSUFFICIENT_ACCESS", text, status=403)


def new_job(org: Org, prefix: str) -> str:
    """The id of a new deploy or retrieve."""
    with org.transaction():
        last = (org.state_get(_LAST, prefix) or {"last": 0})["last"] + 1
        org.state_put(_LAST, prefix, {"last": last})
    return new_id(prefix, last)


def keep(org: Org, job: str, value: dict[str, Any]) -> None:
    org.state_put(_KIND, job, value)


def find(org: Org, job: str, prefix: str) -> dict[str, Any]:
    """A job as kept. OrgError INVALID_CROSS_REFERENCE_KEY for an id that is none of ours."""
    found = org.state_get(_KIND, to18(job)) if is_valid(job) and job.startswith(prefix) else None
    if found is None:
        raise errors.OrgError("INVALID_CROSS_REFERENCE_KEY", f"invalid cross reference id: {job}", status=404)
    return found


def start_deploy(org: Org, user_id: str, raw: bytes, options: Options) -> dict[str, Any]:
    """Deploys a zip; gives its DeployResult with details."""
    job, started = new_job(org, DEPLOY), org.clock.stamp()
    try:
        package = read_package(unzip(raw))
    except SourceError as wrong:
        package = Package(wrong=[wrong])
    outcome = deploy(org, package, options)
    who = (user_id, org.retrieve("User", user_id, ["Name"])["Name"])
    result = deploy_result(job, outcome, options, user=who, started=started, finished=org.clock.stamp())
    validated = options.check_only and outcome.status == SUCCEEDED
    kept = {"zip": base64.b64encode(raw).decode(), "options": _told(options)} if validated else {}
    keep(org, job, {"result": result} | kept)
    return result


def _told(options: Options) -> dict[str, Any]:
    return {"rollback_on_error": options.rollback_on_error, "ignore_warnings": options.ignore_warnings}


def deploy_of(org: Org, job: str) -> dict[str, Any]:
    """The DeployResult of an earlier deploy, with details."""
    found: dict[str, Any] = find(org, job, DEPLOY)["result"]
    return found


def quick_deploy(org: Org, user_id: str, validation: str) -> dict[str, Any]:
    """Deploys what an earlier deploy has only checked (deployRecentValidation)."""
    kept = find(org, validation, DEPLOY)
    if "zip" not in kept:
        text = f"{validation} is not a validation that succeeded, so there is nothing to deploy"
        raise errors.OrgError("INVALID_ID_FIELD", text)
    return start_deploy(org, user_id, base64.b64decode(kept["zip"]), Options(**kept["options"]))


def cancel(org: Org, job: str) -> dict[str, Any]:
    """Deploys are finished when they are answered, so there is never one to cancel. OrgError says so."""
    result = deploy_of(org, job)
    text = f"Deployment {result['id']} has completed ({result['status']}) and can't be canceled"
    raise errors.OrgError("INVALID_OPERATION", text)
