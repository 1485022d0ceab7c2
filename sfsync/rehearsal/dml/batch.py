"""A batch: rows of one object, held as columns, with the errors found so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.schema.model import SObject


class Absent:
    """The value of a field that a row does not mention: leave it alone."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


@dataclass(frozen=True, slots=True)
class Reference:
    """A parent named by an external id instead of its record id."""

    object: str
    field: str
    value: Any


@dataclass(frozen=True, slots=True)
class Deed:
    """What became of one row of a call."""

    id: str | None
    success: bool
    created: bool
    errors: list[OrgError]


@dataclass
class Batch:
    """``columns``: field name -> one value per row, ABSENT where the row does not have the field.

    ``csv_columns`` gives the 0-based position of a field in an uploaded file and is empty for JSON.
    """

    obj: SObject
    size: int
    columns: dict[str, list[Any]] = field(default_factory=dict)
    errors: dict[int, list[OrgError]] = field(default_factory=dict)
    csv_columns: dict[str, int] = field(default_factory=dict)

    def fail(self, row: int, error: OrgError) -> None:
        self.errors.setdefault(row, []).append(error)

    def column(self, name: str) -> list[Any]:
        """The column, made of ABSENT if no row has it yet."""
        if name not in self.columns:
            self.columns[name] = [ABSENT] * self.size
        return self.columns[name]

    def values(self, name: str, default: Any = None) -> list[Any]:
        """The column with ABSENT replaced."""
        found = self.columns.get(name)
        if found is None:
            return [default] * self.size
        return [default if one is ABSENT else one for one in found]

    def good(self) -> list[int]:
        """The rows without errors, in order."""
        if not self.errors:
            return list(range(self.size))
        return [row for row in range(self.size) if row not in self.errors]

    def take(self, rows: Sequence[int]) -> Batch:
        """A batch of some rows; their errors go along."""
        if len(rows) == self.size:
            return self
        columns = {name: [values[row] for row in rows] for name, values in self.columns.items()}
        errors = {new: self.errors[old] for new, old in enumerate(rows) if old in self.errors}
        return Batch(self.obj, len(rows), columns, errors, self.csv_columns)


def failed(errors: Iterable[OrgError], created: bool = False) -> Deed:
    return Deed(None, False, created, list(errors))
