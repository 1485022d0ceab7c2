"""The platform's outbox as a mapping, so that what is asked of the platform goes through the one plan and apply.

The table has no counterpart in Salesforce: the Salesforce names stand for nothing and are never read or written.
"""

from __future__ import annotations

from sfsync.mapping.model import FieldSpec, FieldType, Mapping, Owner, PlatformSpec, SalesforceSpec

NAME = "change_request"
FAULTS = "terminal_faults"
LINKS = "case_links"
_TYPES = {"requested_at": FieldType.INSTANT}
COLUMNS = ("case_key", "kind", "target_key", "payload", "requested_by", "approved_by", "state", "requested_at")


def outbox() -> Mapping:
    """Table ``change_requests``: one row per request key, ever."""
    fields = {n: _field(n, n, f"SFS_{n}__c", _TYPES.get(n, FieldType.TEXT)) for n in COLUMNS}
    return Mapping.model_validate(
        {
            "mapping": NAME,
            "platform": PlatformSpec(table="change_requests", key="request_key"),
            "salesforce": SalesforceSpec(object="Case", key="SFS_Source_Key__c"),
            "fields": {n: f.model_dump() for n, f in fields.items()},
        }
    )


def faults(terminal: Mapping) -> Mapping:
    """The count of faults of a terminal's last 30 days, which sfsync works out; the platform has no column for it."""
    field = _field("faults_30d", "terminal_id", "SFS_Faults30__c", FieldType.INTEGER, Owner.PLATFORM)
    return terminal.model_copy(update={"name": FAULTS, "fields": {"faults_30d": field}})


def links(case: Mapping) -> Mapping:
    """What ties cases to an incident, in Salesforce alone; no column of the platform is read or written."""
    parent = _field("parent_case", "source_key", "ParentId", FieldType.CODE, Owner.PLATFORM)
    incident = _field("incident", "source_key", "SFS_Incident__c", FieldType.BOOLEAN, Owner.PLATFORM)
    return case.model_copy(update={"name": LINKS, "fields": {"parent_case": parent, "incident": incident}})


def _field(name: str, column: str, target: str, kind: FieldType, owner: Owner = Owner.SALESFORCE) -> FieldSpec:
    return FieldSpec(name=name, platform=column, salesforce=target, type=kind, owner=owner)
