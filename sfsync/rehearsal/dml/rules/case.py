"""Cases and their comments (wire reference section 15)."""

from __future__ import annotations

import json
from typing import Any

from sfsync.rehearsal.dml import trail
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored, whole
from sfsync.rehearsal.dml.work import Rules, Work
from sfsync.rehearsal.dml.write import insert_columns
from sfsync.rehearsal.store.state import new_ids, take


def look_up(work: Work, sql: str, ids: list[Any]) -> dict[str, Any]:
    """``sql`` selects (id, value) for ``json_each(?)``."""
    wanted = sorted({one for one in ids if isinstance(one, str)})
    return dict(work.database.rows(sql, (json.dumps(wanted),))) if wanted else {}


class CaseRules(Rules):
    needs = frozenset({"Status", "IsClosed", "ClosedDate", "ContactId", "AccountId"})

    def before_insert(self, work: Work, batch: Batch) -> None:
        numbers = take(work.database, "CaseNumber", batch.size)
        batch.columns["CaseNumber"] = [f"{999 + number:08d}" for number in numbers]
        statuses = batch.values("Status")
        default = self._default_status(batch)
        batch.columns["Status"] = [one or default for one in statuses]
        closed = self._closed(work, batch.columns["Status"])
        batch.columns["IsClosed"] = list(closed)
        batch.columns["IsClosedOnCreate"] = list(closed)
        batch.columns["ClosedDate"] = [work.stamp if one else None for one in closed]
        self._account_of_contact(work, batch, batch.values("ContactId"), batch.values("AccountId"))

    def before_update(self, work: Work, batch: Batch, old: Stored) -> None:
        if "Status" in batch.columns:
            closed = self._closed(work, whole(batch, old, "Status"))
            batch.columns["IsClosed"] = list(closed)
            batch.columns["ClosedDate"] = [
                (date if was else work.stamp) if now else None
                for now, was, date in zip(closed, old["IsClosed"], old["ClosedDate"], strict=True)
            ]
        if "ContactId" in batch.columns:
            contacts, accounts = whole(batch, old, "ContactId"), whole(batch, old, "AccountId")
            self._account_of_contact(work, batch, contacts, accounts)

    def _default_status(self, batch: Batch) -> str:
        field = batch.obj.find("Status")
        assert field is not None
        return field.default or (field.values[0] if field.values else "New")

    def _closed(self, work: Work, statuses: list[Any]) -> list[bool]:
        closed = set(work.schema.settings["closed_case_statuses"])
        return [one in closed for one in statuses]

    def _account_of_contact(self, work: Work, batch: Batch, contacts: list[Any], accounts: list[Any]) -> None:
        if not any(contact and not account for contact, account in zip(contacts, accounts, strict=True)):
            return
        sql = 'SELECT Id, "AccountId" FROM "Contact" WHERE Id IN (SELECT value FROM json_each(?))'
        found = look_up(work, sql, contacts)
        batch.columns["AccountId"] = [
            account or found.get(contact or "") for contact, account in zip(contacts, accounts, strict=True)
        ]

    def after_insert(self, work: Work, batch: Batch, ids: list[str]) -> None:
        self._comment(work, batch, ids)

    def after_update(self, work: Work, batch: Batch, ids: list[str]) -> None:
        self._comment(work, batch, ids)

    def _comment(self, work: Work, batch: Batch, ids: list[str]) -> None:
        """``Comments`` is write-only: it makes a CaseComment."""
        said = [(case, text) for case, text in zip(ids, batch.values("Comments"), strict=True) if text]
        if not said:
            return
        obj = work.schema.objects["CaseComment"]
        cases, texts = (list(column) for column in zip(*said, strict=True))
        comments = new_ids(work.database, obj.prefix, len(said))
        columns = {"ParentId": cases, "CommentBody": texts}
        insert_columns(work, obj, comments, columns)
        trail.inserted(work, obj, comments)
        work.database.many('UPDATE "Case" SET "Comments" = NULL WHERE Id = ?', [(one,) for one in cases])
