"""Which rules an object has."""

from __future__ import annotations

from sfsync.rehearsal.dml.rules.access import AssignmentRules, GroupRules, PermissionSetRules, SubscriptionRules
from sfsync.rehearsal.dml.rules.activity import EventRules, TaskRules
from sfsync.rehearsal.dml.rules.case import CaseRules
from sfsync.rehearsal.dml.rules.names import ContactRules, NameRules
from sfsync.rehearsal.dml.rules.person import AccountRules
from sfsync.rehearsal.dml.rules.sales import OpportunityRules
from sfsync.rehearsal.dml.rules.users import UserRules
from sfsync.rehearsal.dml.work import Rules

_NONE = Rules()
_RULES: dict[str, Rules] = {
    "Account": AccountRules(),
    "Case": CaseRules(),
    "Contact": ContactRules(),
    "EntitySubscription": SubscriptionRules(),
    "Event": EventRules(),
    "Group": GroupRules(),
    "Individual": NameRules(),
    "Lead": NameRules(),
    "Opportunity": OpportunityRules(),
    "PermissionSet": PermissionSetRules(),
    "PermissionSetAssignment": AssignmentRules(),
    "Task": TaskRules(),
    "User": UserRules(),
}


def rules_of(obj: str) -> Rules:
    return _RULES.get(obj, _NONE)
