"""Names that are put together: Contact, Lead, Individual, User."""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored, whole
from sfsync.rehearsal.dml.work import Rules, Work

PARTS = ("FirstName", "LastName")


def full_names(first: Sequence[str | None], last: Sequence[str | None]) -> list[str | None]:
    return [f"{a} {b}" if a and b else (a or b) for a, b in zip(first, last, strict=True)]


class NameRules(Rules):
    """``Name`` = "First Last", kept on every save."""

    needs = frozenset(PARTS)

    def before_insert(self, work: Work, batch: Batch) -> None:
        batch.columns["Name"] = full_names(batch.values("FirstName"), batch.values("LastName"))

    def before_update(self, work: Work, batch: Batch, old: Stored) -> None:
        if any(part in batch.columns for part in PARTS):
            first, last = (whole(batch, old, part) for part in PARTS)
            batch.columns["Name"] = list(full_names(first, last))


class ContactRules(NameRules):
    """The contact behind a person account is written through its account only."""

    needs = NameRules.needs | {"IsPersonAccount"}

    def before_update(self, work: Work, batch: Batch, old: Stored) -> None:
        for row, person in enumerate(old["IsPersonAccount"]):
            if person:
                batch.fail(row, errors.invalid_person_account("The contact of a person account is read-only"))
        super().before_update(work, batch, old)
