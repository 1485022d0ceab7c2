"""Which rows lie in a window of change stamps, found through the stamp's index where there is one.

A stamp that cannot be read belongs to every window. PostgreSQL's stamps can all be read but for NULL. On SQLite a stamp
is any text, and only ``strftime`` tells its moment; asking that of a million rows takes a second, so the index is asked
first:

* A text that begins with a day is at most 15 hours of zone away from it. Rows of a day more than one day before the
  window are out, whatever follows the day.
* NULL, numbers, and texts that begin with no day are found by hopping over the index from day to day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sfsync.sides.platform.connect import SQLITE
from sfsync.sides.platform.tables import Table

HOPS = 20_000  # days with changes, and odd stamps; with more of them the whole table is asked
MOST_ODD = 500


def conditions(connection: sa.Connection, table: Table, since: datetime) -> Sequence[sa.ColumnElement[bool]]:
    """Conditions on a row, one of which holds for every row of the window and none for any other."""
    if table.dialect != SQLITE:
        return [table.since(since), table.stamp.is_(None)]
    inside = sa.or_(table.since(since), table.moment.is_(None))
    if not table.stamp_indexed:
        return [inside]
    coarse = str((since.astimezone(UTC) - timedelta(days=1)).date())
    odd = _odd(connection, table, coarse)
    if odd is None:
        return [inside]
    found = [sa.and_(table.stamp >= coarse, inside), table.stamp.is_(None), sa.and_(table.stamp < "", inside)]
    return [*found, sa.and_(table.stamp.in_(odd), inside)] if odd else found


def _odd(connection: sa.Connection, table: Table, before: str) -> list[Any] | None:
    """The stamps before that text which begin with no day; None if there are too many to tell them one by one."""
    seen = list(connection.scalars(hops(connection, table), {"before": before, "most": HOPS}))
    odd = [text for text, is_day in (str(s).rsplit("|", 1) for s in seen if s is not None) if is_day == "0"]
    return None if len(seen) == HOPS or len(odd) > MOST_ODD else odd


def hops(connection: sa.Connection, table: Table) -> sa.TextClause:
    """One stamp of each day before ``:before`` with ``|1`` behind, and all that begin with no day with ``|0``."""
    prepare = connection.dialect.identifier_preparer
    names = {"t": prepare.format_table(table.clause), "u": prepare.quote(table.stamp_name)}
    return sa.text(_HOPS.format(**names, day=_DAY))


_DAY = """(date(substr(hop.u, 1, 10)) IS NOT NULL
                AND substr(hop.u, 1, 10) GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]')"""
_HOPS = """
    WITH RECURSIVE hop(u) AS (
      SELECT (SELECT min(r.{u}) FROM {t} AS r WHERE r.{u} >= '' AND r.{u} < :before)
      UNION ALL
      SELECT CASE WHEN {day} THEN (SELECT min(r.{u}) FROM {t} AS r WHERE r.{u} < :before
                     AND r.{u} >= substr(hop.u, 1, 9) || char(unicode(substr(hop.u, 10, 1)) + 1))
                  ELSE (SELECT min(r.{u}) FROM {t} AS r WHERE r.{u} > hop.u AND r.{u} < :before) END
      FROM hop WHERE hop.u IS NOT NULL LIMIT :most)
    SELECT hop.u || '|' || {day} FROM hop
"""
