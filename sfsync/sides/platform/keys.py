"""Keys that are not what they should be: the same key twice, and keys with blanks around them.

Salesforce compares external ids without regard to case and trims them; two platform rows that differ in nothing else
would take turns in overwriting one record.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from sfsync.sides.platform.page import spelt_out
from sfsync.sides.platform.tables import Table


@dataclass(frozen=True)
class KeyBook:
    """What one look at a table's keys found.

    twins    keys in lower case and without blanks that more than one row has
    padded   key without blanks -> the key as the table holds it
    """

    twins: frozenset[str] = frozenset()
    padded: dict[str, str] = field(default_factory=dict)

    def is_twin(self, keys: pa.Array) -> np.ndarray:
        """Which of the keys (text as ``page.spelt_out`` gives it) more than one row has."""
        if not self.twins:
            return np.zeros(len(keys), dtype=bool)
        return np.array([fold(k) in self.twins for k in keys.to_pylist()], dtype=bool)

    def own(self, keys: list[str]) -> list[str]:
        """The keys as the table holds them."""
        return [self.padded.get(k, k) for k in keys] if self.padded else keys


def fold(key: str) -> str:
    """A key as Salesforce compares it."""
    return key.strip(" ").lower()


def look(connection: sa.Connection, table: Table) -> KeyBook:
    """Find twins and padded keys with aggregates in the database; no key travels unless something is wrong."""
    key, bare = table.key_text, sa.func.trim(table.key_text)
    if table.unique and _all_alike(connection, table):
        return KeyBook()
    folded = sa.func.lower(bare)
    twins = sa.select(folded).where(table.key.is_not(None)).group_by(folded).having(sa.func.count() > 1)
    padded = sa.select(key).where(key != bare)
    found = frozenset(spelt_out(str(k)).lower() for k in connection.scalars(twins))
    others = [str(k) for k in connection.scalars(padded)]
    return KeyBook(found, {k.strip(" "): k for k in others if k.strip(" ").lower() not in found})


def _all_alike(connection: sa.Connection, table: Table) -> bool:
    """True if no key has blanks around it, and all are in upper or all in lower case: unique keys are then no twins."""
    key = table.key_text
    ways = (sa.func.trim(key), sa.func.upper(key), sa.func.lower(key))
    differs = (sa.func.coalesce(sa.func.max(sa.case((key != way, 1), else_=0)), 0) for way in ways)
    padded, lower, upper = connection.execute(sa.select(*differs)).one()
    return not padded and not (lower and upper)
