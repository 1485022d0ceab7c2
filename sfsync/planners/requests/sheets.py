"""Several sheets of one workbook as one table: each under the last, columns of one meaning in one column.

A person who keeps a sheet for each shop or month sends one file and waits for one answer. Lines count on from sheet to
sheet, so each row has a number of its own; results name the sheet besides (docs/decisions/0048).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np
import pyarrow as pa

from sfsync.planners.requests.sheet import Knows, Sheet

_Column = tuple[str, int]  # the field it means or its own name, and the how many-th of that meaning it is


def joined(named: Sequence[tuple[str, Sheet]], knows: Knows) -> Sheet:
    """One table of them all (at least one). ``named``: the sheets' names and tables, in the order of the workbook.

    A sheet without rows adds nothing; where one sheet is left, it is the table.
    """
    filled = [(name, table) for name, table in named if len(table)] or list(named[:1])
    names, tables = zip(*filled, strict=True)
    if len(tables) == 1:
        return tables[0]
    columns = [_columns(table, knows) for table in tables]
    titles: dict[_Column, str] = {}
    for own, table in zip(columns, tables, strict=True):
        titles = dict(zip(own, table.header, strict=True)) | titles
    order = list(dict.fromkeys(column for own in columns for column in own))
    return replace(
        tables[0],
        header=tuple(titles[column] for column in order),
        cells=pa.concat_tables(_cells(table, own, order) for table, own in zip(tables, columns, strict=True)),
        lines=_counted_on([table.lines for table in tables]),
        surplus=np.concatenate([table.surplus for table in tables]),
        above=np.concatenate([table.above for table in tables]),
        sheets=pa.array(np.repeat(np.array(names, object), [len(table) for table in tables]), pa.string()),
    )


def _columns(table: Sheet, knows: Knows) -> list[_Column]:
    seen: Counter[str] = Counter()
    found = []
    for title in table.header:
        meaning = knows(title) or f"'{title.strip().casefold()}'"
        seen[meaning] += 1
        found.append((meaning, seen[meaning]))
    return found


def _cells(table: Sheet, own: list[_Column], order: list[_Column]) -> pa.Table:
    """Its cells in the common order; what the sheet does not have is empty."""
    nothing = pa.repeat(pa.scalar("", pa.string()), len(table))
    there = dict(zip(own, table.cells.columns, strict=True))
    return pa.table({str(n): there.get(column, nothing) for n, column in enumerate(order)})


def _counted_on(lines: list[np.ndarray]) -> np.ndarray:
    ends = accumulate((int(own[-1]) for own in lines[:-1]), initial=0)
    return np.concatenate([own + before for own, before in zip(lines, ends, strict=True)])
