"""What Salesforce gives a new record of its own (a case's number) belongs on the platform too, in the same run.

Pure: what was read back and what the platform holds go in, changes to the platform come out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping, Owner
from sfsync.plan.model import UPDATE, Cause, Changes, no_changes
from sfsync.sides import columns
from sfsync.sides.side import TEXT, Records


def given_at_birth(mapping: Mapping) -> list[int]:
    """Columns whose value only Salesforce can give: it owns them, and the platform never sends one."""
    return [n for n, f in enumerate(mapping.synced) if f.to_platform and f.owner is Owner.SALESFORCE and not f.seed]


def born(mapping: Mapping) -> Mapping:
    """The mapping with nothing but these fields: all that need be read of the platform before they go back."""
    names = [mapping.columns[n] for n in given_at_birth(mapping)]
    return mapping.model_copy(update={"fields": {n: mapping.fields[n] for n in names}})


def echo(mapping: Mapping, read: Records, now: Records) -> Changes:
    """Changes to the platform for records just created (``read``), where it does not hold (``now``) their values.

    Only the columns that can change are looked at, and the others share their nulls: many of these wait together.
    """
    given = given_at_birth(mapping)
    names = [mapping.columns[n] for n in given]
    keys = read.values.index[columns.within(read.values.index, now.values.index)]
    new, old = (columns.rows(one.values, keys, names) for one in (read, now))
    differs = ~columns.equal(new, old) & new.notna().to_numpy(bool)
    rows = differs.any(axis=1)
    if not rows.any():
        return no_changes(mapping.columns)
    return _changes(mapping, keys[rows], new[rows], old[rows], differs[rows])


def _changes(mapping: Mapping, keys: pd.Index, new: pd.DataFrame, old: pd.DataFrame, differs: np.ndarray) -> Changes:
    index = pd.RangeIndex(len(keys))
    cells = {"key": keys, "side": "platform", "kind": UPDATE, "lane": "main", "id": keys, "stamp": pd.NA}
    nothing = columns.empty(mapping.columns, index)
    after, before = (columns.masked(one.set_axis(index), differs) for one in (new, old))
    cause = np.zeros((len(keys), len(mapping.columns)), np.int8)
    cause[:, given_at_birth(mapping)] = np.where(differs, Cause.FIRST_MEETING, 0)
    rows = pd.DataFrame(cells, index=index).astype(TEXT)
    return Changes(rows, _with(nothing, after), _with(nothing, before), cause)


def _with(frame: pd.DataFrame, some: pd.DataFrame) -> pd.DataFrame:
    """The frame with these columns in the place of its own."""
    made = {n: some[n].array if n in some else frame[n].array for n in frame.columns}
    return pd.DataFrame(made, index=frame.index, copy=False)
