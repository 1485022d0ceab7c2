"""What a fresh org holds before anybody works in it: the organization, profiles, the integration user, record
types, queues and permission sets of force-app. Running it again adds only what is missing.
"""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal.dml.options import QUIET
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.dml.write import insert_columns
from sfsync.rehearsal.ids import new_id
from sfsync.rehearsal.schema.model import Schema
from sfsync.rehearsal.store import state
from sfsync.rehearsal.store.database import Database
from sfsync.rehearsal.store.tables import quoted

USERNAME = "integration@rehearsal.example"
_PROFILES = ("System Administrator", "Standard User", "Minimum Access - API Only Integrations")
_LOCALE = {"LocaleSidKey": "it_IT", "TimeZoneSidKey": "Europe/Rome", "LanguageLocaleKey": "en_US"}

Identity = dict[str, Any]


def prepare(database: Database, schema: Schema, stamp: str) -> Identity:
    """Makes the missing rows; returns {"org_id", "user_id", "username"}."""
    with database.transaction():
        identity = state.get(database, "org", "identity") or _identity(schema)
        work = Work(database, schema, identity["user_id"], stamp, QUIET)
        if state.get(database, "org", "identity") is None:
            _found(work, identity)
            state.put(database, "org", "identity", identity)
        _record_types(work)
        _queues(work)
        _permission_sets(work)
    return identity


def _identity(schema: Schema) -> Identity:
    org, user = schema.objects["Organization"].prefix, schema.objects["User"].prefix
    return {"org_id": new_id(org, 1), "user_id": new_id(user, 1), "username": USERNAME}


def _found(work: Work, identity: Identity) -> None:
    """The first rows of all: their ids are the first of their kind."""
    profiles = _insert(work, "Profile", [{"Name": name, "UserType": "Standard"} for name in _PROFILES])
    _insert(
        work,
        "Organization",
        [
            {
                "Name": "Rehearsal",
                "DefaultLocaleSidKey": "it_IT",
                "TimeZoneSidKey": "Europe/Rome",
                "LanguageLocaleKey": "en_US",
                "FiscalYearStartMonth": 1,
                "OrganizationType": "Developer Edition",
                "InstanceName": "RH0",
                "IsSandbox": True,
                "Country": "IT",
            }
        ],
    )
    _insert(work, "User", [_user(identity["username"], profiles[0])])


def _user(username: str, profile: str) -> dict[str, Any]:
    return _LOCALE | {
        "Username": username,
        "Email": username,
        "FirstName": "Integration",
        "LastName": "User",
        "Name": "Integration User",
        "Alias": "integ",
        "CommunityNickname": "integration",
        "IsActive": True,
        "EmailEncodingKey": "UTF-8",
        "ProfileId": profile,
        "UserType": "Standard",
        "DigestFrequency": "D",
        "DefaultGroupNotificationFrequency": "N",
    }


def _record_types(work: Work) -> None:
    defined = [one for obj in work.schema.objects.values() for one in obj.record_types]
    present = set(work.database.rows('SELECT "SobjectType", "DeveloperName" FROM "RecordType"'))
    missing = [one for one in defined if (one.object, one.developer_name) not in present]
    _insert(
        work,
        "RecordType",
        [
            {
                "Name": one.label,
                "DeveloperName": one.developer_name,
                "SobjectType": one.object,
                "Description": one.description,
                "IsActive": one.active,
                "IsPersonType": one.person,
            }
            for one in missing
        ],
    )


def _queues(work: Work) -> None:
    present = {row[0] for row in work.database.rows('SELECT "DeveloperName" FROM "Group" WHERE "Type" = \'Queue\'')}
    missing = [one for one in work.schema.queues if one.developer_name not in present]
    groups = _insert(
        work,
        "Group",
        [
            {"Name": one.label, "DeveloperName": one.developer_name, "Type": "Queue", "Email": one.email}
            for one in missing
        ],
    )
    pairs = [(group, obj) for group, one in zip(groups, missing, strict=True) for obj in one.objects]
    _insert(work, "QueueSobject", [{"QueueId": group, "SobjectType": obj} for group, obj in pairs])


def _permission_sets(work: Work) -> None:
    present = {row[0] for row in work.database.rows('SELECT "Name" FROM "PermissionSet"')}
    obj = work.schema.objects["PermissionSet"]
    for one in work.schema.permission_sets:
        if one.name in present:
            continue
        row = {"Name": one.name, "Label": one.label, "Description": one.description, "IsCustom": True}
        granted = {name: True for name in one.permissions if obj.has(name)}
        made = _insert(work, "PermissionSet", [row | granted | {"Type": "Regular"}])
        assignment = {"PermissionSetId": made[0], "AssigneeId": work.user_id, "IsActive": True}
        _insert(work, "PermissionSetAssignment", [assignment])


def _insert(work: Work, name: str, rows: list[dict[str, Any]]) -> list[str]:
    """Rows of one shape, straight into the table: setup does not go through the rules of a save."""
    if not rows:
        return []
    obj = work.schema.objects[name]
    ids = state.new_ids(work.database, obj.prefix, len(rows))
    insert_columns(work, obj, ids, {key: [row[key] for row in rows] for key in rows[0]})
    return ids


def time_zone(database: Database, user_id: str) -> str:
    rows = database.rows(f'SELECT "TimeZoneSidKey" FROM {quoted("User")} WHERE Id = ?', (user_id,))  # noqa: S608
    return rows[0][0] if rows and rows[0][0] else "UTC"
