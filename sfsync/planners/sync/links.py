"""Parents first: a record whose parent is not in Salesforce is held, never written with an empty lookup."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sfsync.mapping.model import FieldType, Mapping
from sfsync.planners.sync.recall import Memory
from sfsync.sides.side import TEXT


@dataclass
class Links:
    """Which parents will exist when the children are written: those known, and those this plan creates.

    ``users`` answers which of the given usernames are active users of the org; ``parents`` are the mappings that
    something may point to: only their new keys are kept.
    """

    memory: Memory
    users: Callable[[list[str]], set[str]]
    parents: set[str] = field(default_factory=set)
    _created: dict[str, list[np.ndarray]] = field(default_factory=dict)
    _users: dict[str, bool] = field(default_factory=dict)
    unknown_users: set[str] = field(default_factory=set)

    def will_create(self, mapping: str, keys: pd.Index) -> None:
        """Remembers keys this plan creates in Salesforce (as hashes: 8 bytes each)."""
        if len(keys) and mapping in self.parents:
            self._created.setdefault(mapping, []).append(_hashed(keys))

    def missing(self, mapping: Mapping, after: pd.DataFrame, touched: np.ndarray) -> pd.DataFrame:
        """Cells that point to a parent that will not exist: frame with columns row, field, waits_mapping, waits_key."""
        found = []
        for name, (parent, _) in mapping.references().items():
            column = mapping.columns.index(name)
            rows = np.flatnonzero(touched[:, column] & after[name].notna().to_numpy(bool))
            keys = pd.Index(after[name].iloc[rows], dtype=TEXT)
            lost = ~self._exists(parent, keys)
            found.append(
                pd.DataFrame({"row": rows[lost], "field": name, "waits_mapping": parent, "waits_key": keys[lost]})
            )
        columns = ["row", "field", "waits_mapping", "waits_key"]
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)

    def _exists(self, parent: str, keys: pd.Index) -> np.ndarray:
        if not len(keys):
            return np.zeros(0, bool)
        unique = keys.unique()
        here = self.memory.known_parents(parent, unique)
        for made in self._created.get(parent, []):
            here |= np.isin(_hashed(unique), made)
        return here[unique.get_indexer(keys)]

    def drop_unknown_users(self, mapping: Mapping, after: pd.DataFrame, touched: np.ndarray) -> None:
        """A username the org does not have is not written (the rest of the record is); ``touched`` is changed."""
        for column, spec in enumerate(mapping.synced):
            if spec.type is FieldType.USER and touched[:, column].any():
                rows = np.flatnonzero(touched[:, column])
                names = after[spec.name].iloc[rows]
                known = names.isna().to_numpy(bool) | names.isin(self._known(names)).to_numpy(bool)
                touched[rows[~known], column] = False

    def _known(self, names: pd.Series) -> list[str]:
        asked = [n for n in names.dropna().unique() if n not in self._users]
        if asked:
            active = {u.lower() for u in self.users(asked)}
            self._users.update({n: n.lower() in active for n in asked})
            self.unknown_users.update(n for n in asked if not self._users[n])
        return [n for n, here in self._users.items() if here]


def _hashed(keys: pd.Index) -> np.ndarray:
    return pd.util.hash_array(np.asarray(keys.str.lower(), dtype=object), categorize=False)
