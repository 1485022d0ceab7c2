"""Who may, and who follows: queues, permission sets, subscriptions to a record's feed."""

from __future__ import annotations

import json

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.work import Rules, Work


class AssignmentRules(Rules):
    """A permission set is assigned to a user once."""

    def before_insert(self, work: Work, batch: Batch) -> None:
        batch.columns["IsActive"] = [True] * batch.size
        wanted = list(zip(batch.values("AssigneeId"), batch.values("PermissionSetId"), strict=True))
        taken = self._taken(work, [str(who) for who, _ in wanted])
        groups = batch.values("PermissionSetGroupId")
        for row, (who, what) in enumerate(wanted):
            if not what and not groups[row]:
                batch.fail(row, errors.required_missing(["PermissionSetId"]))
            if who and what and (who, what) in taken:
                batch.fail(row, errors.duplicate_assignment(who, what))
            taken.add((who, what))

    def _taken(self, work: Work, assignees: list[str]) -> set[tuple[str, str]]:
        sql = (
            'SELECT "AssigneeId", "PermissionSetId" FROM "PermissionSetAssignment"'
            ' WHERE "AssigneeId" IN (SELECT value FROM json_each(?))'
        )
        return {(who, what) for who, what in work.database.rows(sql, (json.dumps(assignees),))}


class GroupRules(Rules):
    """Every group belongs to the organization and has a developer name."""

    def before_insert(self, work: Work, batch: Batch) -> None:
        names = zip(batch.values("DeveloperName"), batch.values("Name"), strict=True)
        batch.columns["DeveloperName"] = [
            api or ("_".join(str(label).split()) if label else None) for api, label in names
        ]


class PermissionSetRules(Rules):
    def before_insert(self, work: Work, batch: Batch) -> None:
        batch.columns["IsCustom"] = [True] * batch.size
        batch.columns["Type"] = ["Regular"] * batch.size


class SubscriptionRules(Rules):
    """A user follows a record once."""

    def before_insert(self, work: Work, batch: Batch) -> None:
        wanted = list(zip(batch.values("ParentId"), batch.values("SubscriberId"), strict=True))
        sql = (
            'SELECT "ParentId", "SubscriberId" FROM "EntitySubscription"'
            ' WHERE "ParentId" IN (SELECT value FROM json_each(?))'
        )
        parents = json.dumps([str(parent) for parent, _ in wanted])
        taken = {(what, who) for what, who in work.database.rows(sql, (parents,))}
        for row, one in enumerate(wanted):
            if one in taken:
                batch.fail(row, errors.duplicate_value("<unknown>", None))
            taken.add(one)
