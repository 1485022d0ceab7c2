"""Setup objects do not share a transaction with other objects: MIXED_DML_OPERATION.

Only asked for where Salesforce treats a call as one transaction of its own making (all-or-none collections, composite,
graph): ``Org.transaction(strict=True)``. Source: wire reference 15; vendor, "sObjects That Cannot Be Used Together".
"""

from __future__ import annotations

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.schema.model import SObject

STRICT = "strict"
_TOUCHED = "touched"
_SETUP = frozenset(
    {
        "FieldPermissions",
        "Group",
        "GroupMember",
        "ObjectPermissions",
        "PermissionSet",
        "PermissionSetAssignment",
        "QueueSobject",
        "User",
        "UserRole",
    }
)


def clash(work: Work, obj: SObject) -> OrgError | None:
    """The error of a write to ``obj`` after one to an object of the other kind, if the transaction is a strict one."""
    scratch = work.database.scratch
    if not scratch.get(STRICT):
        return None
    touched: dict[bool, str] = scratch.setdefault(_TOUCHED, {})
    kind = obj.name in _SETUP
    if (not kind) in touched:
        return errors.mixed_dml(obj.name, touched[not kind])
    touched.setdefault(kind, obj.name)
    return None
