"""Object and field rights: the schema as one user sees it.

A System Administrator sees everything. A Standard User has the standard objects and their fields; every other
profile starts from nothing. Permission sets (assigned, in an assigned group, or owned by the profile) add to that:
ObjectPermissions per object, FieldPermissions per field, ModifyAllData and ViewAllData for all objects. Fields that
cannot be taken away (required ones, system fields) are always seen with their object. What is not seen does not
exist: queries and saves then answer as for a wrong name. Source: vendor, "Field Permissions", "Object Permissions".
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sfsync.rehearsal.schema import features
from sfsync.rehearsal.schema.model import COMPOUND_TYPES, Child, Field, Schema, SObject
from sfsync.rehearsal.store.database import Database

ADMINISTRATOR, STANDARD = "System Administrator", "Standard User"
COUNTER = "access"
# Rows of these decide about rights; every write to them moves the counter that views are kept by.
DECIDING = frozenset(
    {
        "FieldPermissions",
        "ObjectPermissions",
        "PermissionSet",
        "PermissionSetAssignment",
        "PermissionSetGroupComponent",
        "Profile",
        "User",
    }
)
# Standard objects that rights are given on; what is not here (users, record types, statuses) everybody reads.
_GOVERNED = frozenset(
    {
        "Account",
        "Asset",
        "Campaign",
        "Case",
        "Contact",
        "Contract",
        "ContractLineItem",
        "Document",
        "Entitlement",
        "EntitlementContact",
        "EntityMilestone",
        "Individual",
        "Lead",
        "Opportunity",
        "Order",
        "OrderItem",
        "Pricebook2",
        "Product2",
        "ServiceContract",
        "Solution",
        "WorkOrder",
    }
)
# Objects that follow the rights on another.
_FOLLOWS = {
    "AccountContactRole": "Account",
    "CampaignMember": "Campaign",
    "CaseComment": "Case",
    "CaseContactRole": "Case",
    "CaseMilestone": "Case",
    "CaseTeamMember": "Case",
    "OpportunityContactRole": "Opportunity",
    "OpportunityLineItem": "Opportunity",
    "PricebookEntry": "Pricebook2",
}
_RIGHTS = {"PermissionsCreate": "C", "PermissionsRead": "QR", "PermissionsEdit": "U", "PermissionsDelete": "DN"}
_ASSIGNED = """
SELECT "PermissionSetId" FROM "PermissionSetAssignment" WHERE "AssigneeId" = :user AND "PermissionSetId" IS NOT NULL
UNION SELECT member."PermissionSetId" FROM "PermissionSetGroupComponent" AS member
 JOIN "PermissionSetAssignment" AS assigned ON assigned."PermissionSetGroupId" = member."PermissionSetGroupId"
 WHERE assigned."AssigneeId" = :user
UNION SELECT Id FROM "PermissionSet" WHERE "ProfileId" = :profile
"""


@dataclass
class Grants:
    """``objects``: name -> call letters; ``fields``: ``Account.Site`` -> may be edited."""

    profile: str
    objects: dict[str, set[str]] = field(default_factory=dict)
    fields: dict[str, bool] = field(default_factory=dict)
    everywhere: set[str] = field(default_factory=set)
    setup: bool = False

    def letters(self, obj: SObject) -> set[str]:
        """The calls of an object its user may make, beside those that only describe it."""
        name = _FOLLOWS.get(obj.name, obj.name)
        name = obj.associate[1] if obj.associate and obj.associate[0] == "History" else name
        if name not in _GOVERNED and not obj.custom and name == obj.name:
            return set("CUDN") | set("QR") if self.setup or not obj.setup else set("QR")
        basis = set("CUDNQR") if self.profile == STANDARD and not name.endswith("__c") else set()
        return basis | self.everywhere | self.objects.get(name, set())

    def access(self, obj: SObject, one: Field) -> tuple[bool, bool]:
        """Whether a field may be read, and edited."""
        if not _permissionable(one) or (obj.name not in _GOVERNED and not obj.custom):
            return True, True
        if self.profile == STANDARD and not one.custom:
            return True, True
        granted = self.fields.get(f"{obj.name}.{one.name}".lower())
        return granted is not None, bool(granted)


def _permissionable(one: Field) -> bool:
    if one.name in ("Id", "OwnerId", "RecordTypeId") or (one.on_delete == "cascade" and not one.nillable):
        return False
    return one.nillable and (one.createable or one.updateable or one.custom or one.type in COMPOUND_TYPES)


class Views:
    """Keeps the view of each user until rights or the schema change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[int, Schema, Schema]] = {}
        self._fresh: dict[str, tuple[int, Schema, Schema]] = {}  # by what the store has committed, to ask it less

    def clear(self) -> None:
        """Forgets all views: after a reset the same ids and counters mean other users."""
        with self._lock:
            self._kept.clear()
            self._fresh.clear()

    def of(self, schema: Schema, user_id: str) -> Schema:
        """The schema as this user sees it; for administrators all that the org's features show."""
        if self._database.in_own_transaction():
            return self._looked_up(schema, user_id)
        committed = self._database.committed
        fresh = self._fresh.get(user_id)
        if fresh is not None and fresh[0] == committed and fresh[1] is schema:
            return fresh[2]
        made = self._looked_up(schema, user_id)
        self._fresh[user_id] = (committed, schema, made)
        return made

    def _looked_up(self, schema: Schema, user_id: str) -> Schema:
        with self._database.reader() as connection:
            stamp = _stamp(connection)
            with self._lock:
                kept = self._kept.get(user_id)
            if kept is not None and kept[0] == stamp and kept[1] is schema:
                return kept[2]
            grants = read(connection, schema, user_id)
        whole = features.shown(schema)
        made = whole if grants is None else view(whole, grants)
        with self._lock:
            self._kept[user_id] = (stamp, schema, made)
        return made


def _stamp(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT last FROM org_counter WHERE name = ?", (COUNTER,)).fetchone()
    return int(row[0]) if row else 0


def read(connection: sqlite3.Connection, schema: Schema, user_id: str) -> Grants | None:
    """The rights of a user; None for an administrator, and for somebody who is no user."""
    sql = 'SELECT u."ProfileId", p."Name" FROM "User" AS u JOIN "Profile" AS p ON p.Id = u."ProfileId" WHERE u.Id = ?'
    row = connection.execute(sql, (user_id,)).fetchone()
    if row is None or row[1] == ADMINISTRATOR:
        return None
    grants = Grants(row[1])
    sets = [one[0] for one in connection.execute(_ASSIGNED, {"user": user_id, "profile": row[0]})]
    _system(connection, schema, grants, row[0], sets)
    marks = json.dumps(sets)
    rights = ", ".join(f'"{name}"' for name in _RIGHTS)
    sql = (
        f'SELECT "SobjectType", {rights} FROM "ObjectPermissions" WHERE "ParentId" IN (SELECT value FROM json_each(?))'  # noqa: S608
    )
    for name, *flags in connection.execute(sql, (marks,)):
        letters = {letter for flag, word in zip(flags, _RIGHTS.values(), strict=True) if flag for letter in word}
        grants.objects.setdefault(name, set()).update(letters)
    sql = (
        'SELECT "Field", MAX("PermissionsEdit") FROM "FieldPermissions" WHERE ("PermissionsRead" OR "PermissionsEdit")'
        ' AND "ParentId" IN (SELECT value FROM json_each(?)) GROUP BY "Field"'
    )
    grants.fields = {name.lower(): bool(edit) for name, edit in connection.execute(sql, (marks,))}
    return grants


def _system(connection: sqlite3.Connection, schema: Schema, grants: Grants, profile: str, sets: list[str]) -> None:
    """What ModifyAllData, ViewAllData and ManageUsers open."""
    opened = {"PermissionsModifyAllData": "CUDNQR", "PermissionsViewAllData": "QR", "PermissionsManageUsers": ""}
    for name, letters in opened.items():
        for table, ids in (("Profile", [profile]), ("PermissionSet", sets)):
            if not schema.objects[table].has(name):
                continue
            sql = f'SELECT 1 FROM "{table}" WHERE "{name}" AND Id IN (SELECT value FROM json_each(?))'  # noqa: S608
            if connection.execute(sql, (json.dumps(ids),)).fetchone():
                grants.everywhere |= set(letters)
                grants.setup = grants.setup or name != "PermissionsViewAllData"


def view(schema: Schema, grants: Grants) -> Schema:
    """Objects without read fall away, fields likewise; what may not be written is not createable or updateable."""
    letters = {name: grants.letters(one) for name, one in schema.objects.items()}
    seen = [_object(one, grants, letters) for name, one in schema.objects.items() if "Q" in letters[name]]
    by_name = {one.name: one for one in seen}
    return schema.with_objects(replace(one, children=_children(one, by_name)) for one in seen)


def _object(one: SObject, grants: Grants, letters: Mapping[str, set[str]]) -> SObject:
    fields = tuple(made for each in one.fields if (made := _field(one, each, grants, letters)) is not None)
    closed = set("CUDNQR") - letters[one.name]
    return replace(one, fields=fields, calls="".join(each for each in one.calls if each not in closed))


def _field(obj: SObject, one: Field, grants: Grants, letters: Mapping[str, set[str]]) -> Field | None:
    read, edit = grants.access(obj, one)
    if not read:
        return None
    hidden = bool(one.reference_to) and not any("Q" in letters.get(name, ()) for name in one.reference_to)
    made = replace(one, relationship_name=None) if hidden and one.relationship_name else one
    return made if edit else replace(made, createable=False, updateable=False)


def _children(one: SObject, seen: Mapping[str, SObject]) -> tuple[Child, ...]:
    found = []
    for child in one.children:
        other = seen.get(child.object)
        field = other.find(child.field.name) if other else None
        if field is not None:
            found.append(Child(child.object, field))
    return tuple(found)
