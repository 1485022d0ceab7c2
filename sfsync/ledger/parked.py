"""Changes that are not to be tried again as they are: refused by the org, or undone by a person.

Each is known by the digest of the row (``digest.of_rows``); a row with other values, or one a person released, is a
new try.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import sqlalchemy as sa

from sfsync.ledger import database, issues
from sfsync.ledger.digest import of_rows
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import conflict, failure, hold
from sfsync.sides.side import TEXT

UNDONE = "UNDONE"
LASTING = ("data", "permission")  # classes of refusal that the same row meets again
COLUMNS = ("key", "side", "code", "digest", "status")


def park(ledger: Ledger, run_id: str, mapping: str, keys: pd.Index, digests: np.ndarray) -> None:
    """Keeps undone changes from being written again; ``digests`` uint64 n x f of what was undone."""
    found = pd.DataFrame({"reason": UNDONE, "digest": of_rows(digests).to_numpy()}, index=keys)
    issues.put_holds(ledger, run_id, mapping, [], found)


def of_keys(ledger: Ledger, mapping: str, keys: pd.Index) -> pd.DataFrame:
    """Parked changes of these records: frame with ``COLUMNS``; status is ``refused`` or ``undone``."""
    rows: list[tuple[str, ...]] = []
    f, h = failure.c, hold.c
    with ledger.reading() as connection:
        known = [
            database.any_row(connection, t, t.c.mapping == mapping, t.c.digest.is_not(None)) for t in (failure, hold)
        ]
        for some in database.chunks(list(keys)) if any(known) else ():
            refused = sa.select(f.key, f.side, f.code, f.digest, sa.literal("refused")).where(
                f.mapping == mapping,
                f.digest.is_not(None),
                f.failure_class.in_(LASTING),
                database.within(connection, f.key, some),
            )
            rows += [tuple(r) for r in connection.execute(refused)]
            for side in ("salesforce", "platform"):
                undone = sa.select(h.key, sa.literal(side), h.reason, h.digest, sa.literal("undone")).where(
                    h.mapping == mapping,
                    h.digest.is_not(None),
                    h.reason == UNDONE,
                    database.within(connection, h.key, some),
                )
                rows += [tuple(r) for r in connection.execute(undone)]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=TEXT)


def open_keys(ledger: Ledger, mapping: str) -> list[str]:
    """Keys with an open hold, failure or conflict: every run looks at them."""
    with ledger.reading() as connection:
        found: set[str] = set()
        for table in (hold, failure, conflict):
            query = sa.select(table.c.key).where(table.c.mapping == mapping)
            if table is conflict:
                query = query.where(conflict.c.state != "closed", conflict.c.decision.is_distinct_from("keep"))
            found.update(str(key) for key in connection.scalars(query))
    return sorted(found)


def close_decided(ledger: Ledger, mapping: str, keys: Iterable[str]) -> None:
    """Nothing is left to do for these records: decisions that were carried out are over (``keep`` goes on holding)."""
    c = conflict.c
    with ledger.writing() as connection:
        for some in database.chunks(list(keys)):
            done = (c.mapping == mapping) & c.state.in_(["decided", "applying"]) & (c.decision != "keep")
            connection.execute(
                conflict.update().where(done, database.within(connection, c.key, some)).values(state="closed")
            )
