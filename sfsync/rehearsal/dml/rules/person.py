"""Accounts, some of which are persons: a record type decides, and a Contact row mirrors them.

Source: wire reference section 15 (person accounts). The mirrored row has the account's id in AccountId; the account
has its id in PersonContactId. Person fields are stored with the account and copied at every save.
"""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml import trail
from sfsync.rehearsal.dml.batch import ABSENT, Batch
from sfsync.rehearsal.dml.references import ids_of
from sfsync.rehearsal.dml.rows import Stored, whole
from sfsync.rehearsal.dml.rules.names import PARTS, full_names
from sfsync.rehearsal.dml.work import Rules, Work
from sfsync.rehearsal.dml.write import insert_columns, update_columns
from sfsync.rehearsal.store.state import new_ids


class AccountRules(Rules):
    needs = frozenset({*PARTS, "Name", "IsPersonAccount", "PersonContactId", "RecordTypeId", "OwnerId"})
    optional = frozenset({"Name"})

    def before_insert(self, work: Work, batch: Batch) -> None:
        people = self._people(work, batch)
        self._check_names(batch, people, batch.values("Name"), batch.values("LastName"))
        batch.columns["IsPersonAccount"] = list(people)
        if not any(people):
            return
        self._check_mirrored_keys(work, batch, [None] * batch.size)
        names = full_names(batch.values("FirstName"), batch.values("LastName"))
        given = batch.values("Name")
        batch.columns["Name"] = [
            full if person else name for person, full, name in zip(people, names, given, strict=True)
        ]
        contacts = iter(new_ids(work.database, work.schema.objects["Contact"].prefix, sum(people)))
        batch.columns["PersonContactId"] = [next(contacts) if person else None for person in people]

    def _people(self, work: Work, batch: Batch) -> list[bool]:
        types = work.record_types.get("Account", {})
        default = next((one for one, person in types.items() if person), None)
        chosen = batch.values("RecordTypeId")
        if default and "LastName" in batch.columns:
            last = batch.values("LastName")
            chosen = [one or (default if name else None) for one, name in zip(chosen, last, strict=True)]
            batch.columns["RecordTypeId"] = chosen
        return [types.get(one, False) for one in chosen]

    def before_update(self, work: Work, batch: Batch, old: Stored) -> None:
        people = [bool(one) for one in old["IsPersonAccount"]]
        self._check_type(work, batch, people)
        self._check_names(batch, people, whole(batch, old, "Name"), whole(batch, old, "LastName"))
        if any(people) and any(part in batch.columns for part in PARTS):
            names = full_names(*(whole(batch, old, part) for part in PARTS))
            given = whole(batch, old, "Name")
            batch.columns["Name"] = [
                full if person else name for person, full, name in zip(people, names, given, strict=True)
            ]
        self._check_mirrored_keys(work, batch, old["PersonContactId"])
        batch.columns["PersonContactId"] = old["PersonContactId"]

    def _check_type(self, work: Work, batch: Batch, people: list[bool]) -> None:
        types = work.record_types.get("Account", {})
        for row, one in enumerate(batch.columns.get("RecordTypeId", ())):
            if one is not ABSENT and types.get(one, False) != people[row]:
                text = "A record type of persons cannot be given to a business account, nor the other way round"
                batch.fail(row, errors.invalid_person_account(text))

    def _check_mirrored_keys(self, work: Work, batch: Batch, contacts: list[Any]) -> None:
        """A unique field of Contact stays unique when it is written through a person account."""
        pairs: dict[str, str] = work.schema.settings["person_mirror"]
        contact = work.schema.objects["Contact"]
        for name in batch.columns:
            field = contact.find(pairs.get(name, "Id"))
            if field is None or not field.unique:
                continue
            values = batch.values(name)
            taken = ids_of(work.database, contact, field, values)
            for row, value in enumerate(values):
                others = [one for one in taken.get(field.key(value) or "", ()) if one != contacts[row]]
                if others:
                    batch.fail(row, errors.duplicate_value(name, others[0]))

    def _check_names(self, batch: Batch, people: list[bool], names: list[Any], last: list[Any]) -> None:
        given = batch.columns.get("Name")
        foreign = [name for name in batch.columns if (field := batch.obj.find(name)) and field.person]
        for row, person in enumerate(people):
            if person and given is not None and given[row] is not ABSENT:
                batch.fail(row, errors.bad_field_names("Account", ["Name"]))
            elif person and not last[row]:
                batch.fail(row, errors.required_missing(["LastName"]))
            elif not person and foreign:
                self._refuse_person_fields(batch, row, foreign)
            if not person and not names[row] and row not in batch.errors:
                batch.fail(row, errors.required_missing(["Name"]))

    def _refuse_person_fields(self, batch: Batch, row: int, foreign: list[str]) -> None:
        named = [name for name in foreign if batch.columns[name][row] not in (ABSENT, None, False)]
        if named:
            batch.fail(row, errors.bad_field_names("Account", named))

    def after_insert(self, work: Work, batch: Batch, ids: list[str]) -> None:
        contacts = batch.values("PersonContactId")
        rows = [row for row, contact in enumerate(contacts) if contact]
        if not rows:
            return
        people = batch.take(rows)
        mirror = self._mirror(work, people)
        mirror["AccountId"] = [ids[row] for row in rows]
        mirror["OwnerId"] = people.values("OwnerId")
        mirror["IsPersonAccount"] = [True] * len(rows)
        mirror["Name"] = people.values("Name")
        contact, contacts = work.schema.objects["Contact"], people.values("PersonContactId")
        insert_columns(work, contact, contacts, mirror)
        trail.inserted(work, contact, contacts)

    def after_update(self, work: Work, batch: Batch, ids: list[str]) -> None:
        rows = [row for row, contact in enumerate(batch.values("PersonContactId")) if contact]
        if not rows:
            return
        people = batch.take(rows)
        mirror = self._mirror(work, people)
        for name in ("Name", "OwnerId"):
            if name in people.columns:
                mirror[name] = people.values(name)
        contact, contacts = work.schema.objects["Contact"], people.values("PersonContactId")
        before = Stored(work.database, contact, contacts, trail.watched(work, contact, set(mirror)))
        update_columns(work, contact, contacts, mirror)
        trail.updated(work, contact, contacts, mirror, before)

    def _mirror(self, work: Work, people: Batch) -> dict[str, list[Any]]:
        pairs: dict[str, str] = work.schema.settings["person_mirror"]
        return {pairs[name]: values for name, values in people.columns.items() if name in pairs}
