"""The fields sfsync computes, as mappings of their own: the sweep owns them on both sides.

The synchronisation leaves computed fields alone; these variants of the case mapping hold nothing else, so a plan of the
sweep goes through the same apply, before-image, ledger and audit as any other.
"""

from __future__ import annotations

from sfsync.mapping.model import FieldSpec, FieldType, Mapping, Owner, SalesforceSpec

ORG, ROW, MILESTONES = "sla", "sla_row", "sla_milestone"
COMPLETED = "completed"
QUEUE, PRIORITY = "queue", "case_priority"
STATUS, REASON, PARENT = "case_status", "cancel_reason", "parent_case"
RECOVERY, REPEATS = "recovery_state", "repeat_contacts"
GIVEN = (QUEUE, STATUS, REASON, PARENT, RECOVERY, REPEATS)  # written where the sweep does something, else left alone
NOT_OURS = ("merged_from", "completeness")  # computed, but not from clocks


def org_fields(case: Mapping) -> Mapping:
    """What the sweep writes to Salesforce: clocks, level, and what an escalation, a repeat or a recovery asks for."""
    fields = {n: _ours(f) for n, f in case.fields.items() if _computed(f) and f.salesforce}
    fields |= {name: _field(name, target) for name, target in _WRITTEN.items()}
    fields[RECOVERY] = _ours(case.fields[RECOVERY])
    target = case.salesforce.model_copy(update={"born": None})  # giving a case its key is the synchronisation's work
    return case.model_copy(update={"name": ORG, "fields": fields, "exclusive": (), "refuse": (), "salesforce": target})


_WRITTEN = {
    QUEUE: "OwnerId",
    PRIORITY: "Priority",
    STATUS: "Status",
    REASON: "SFS_Cancel_Reason__c",
    PARENT: "ParentId",
}


def row_fields(case: Mapping) -> Mapping:
    """What it writes to the platform's case row: dues, state, level."""
    fields = {
        n: f.model_copy(update={"owner": Owner.SALESFORCE})
        for n, f in case.fields.items()
        if _computed(f) and f.salesforce and f.columns
    }
    return case.model_copy(update={"name": ROW, "fields": fields, "exclusive": (), "refuse": ()})


def milestones(case: Mapping) -> Mapping:
    """What shadow mode writes: the completion of a case's milestones. Their key is their own id."""
    spec = {"name": COMPLETED, "platform": COMPLETED, "salesforce": "CompletionDate", "type": FieldType.INSTANT}
    target = SalesforceSpec(object="CaseMilestone", key="Id")
    fields = {COMPLETED: FieldSpec.model_validate(spec)}
    more = {"never": (), "exclusive": (), "refuse": (), "salesforce": target}
    return case.model_copy(update={"name": MILESTONES, "fields": fields, **more})


def _computed(field: FieldSpec) -> bool:
    return field.owner is Owner.COMPUTED and field.name not in NOT_OURS


def _ours(field: FieldSpec) -> FieldSpec:
    """Synced as if the platform held it; a field without a column there gets its own name for one."""
    return field.model_copy(update={"owner": Owner.PLATFORM, "platform": field.platform or field.name})


def _field(name: str, target: str) -> FieldSpec:
    spec = {"name": name, "platform": name, "salesforce": target, "type": FieldType.CODE, "owner": Owner.PLATFORM}
    return FieldSpec.model_validate({k: v for k, v in spec.items() if k in FieldSpec.model_fields})
