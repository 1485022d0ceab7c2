"""What the ledger remembers, in the arrays the planner works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.merge.decide import Action


@dataclass(frozen=True)
class Recall:
    """Memory of n keys of one mapping.

    digests    uint64 n x f, 0 = never agreed
    ids        Salesforce ids, text or NA
    state      synced | detached | merged, NA where unknown
    in_doubt   bool n x f: the cell belongs to a batch whose outcome nobody saw
    decisions  frame: key, field, p, s (digests), decision (platform | salesforce | keep)
    parked     frame: key, side, code, digest, why (failed | undone): changes that must not be tried again as they are
    open       bool n: the key has an open hold, failure or conflict
    """

    digests: np.ndarray
    ids: pd.Series
    state: pd.Series
    in_doubt: np.ndarray
    decisions: pd.DataFrame
    parked: pd.DataFrame
    open: np.ndarray


class Memory(Protocol):
    """The half of the ledger that cannot be written: what planners get."""

    def recall(self, mapping: Mapping, keys: pd.Index) -> Recall:
        """What is remembered of these keys."""

    def known_parents(self, mapping: str, keys: pd.Index) -> np.ndarray:
        """bool per key: this record exists in Salesforce as far as we know."""

    def open_keys(self, mapping: Mapping) -> pd.Index:
        """Keys with open holds, failures or conflicts; they are looked at in every run."""

    def bounds(self, mapping: Mapping, since: str) -> list[tuple[str, str]]:
        """(stamp, id) of the records known to have been stamped since, sorted."""

    def size(self, mapping: Mapping) -> int:
        """How many records the base knows."""


_SAID = {"platform": Action.SALESFORCE, "salesforce": Action.PLATFORM, "keep": Action.BASE}


def decisions(recall: Recall, mapping: Mapping, keys: pd.Index, p: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Decisions (int8 n x f, an ``Action``) that were made for exactly the values both sides have now."""
    said = np.zeros(p.shape, np.int8)
    table = recall.decisions
    if not len(table):
        return said
    rows = keys.get_indexer(table["key"])
    columns = pd.Index(mapping.columns).get_indexer(table["field"])
    found = (rows >= 0) & (columns >= 0)
    rows, columns, table = rows[found], columns[found], table[found]
    holds = (p[rows, columns] == table["p"].to_numpy(np.uint64)) & (s[rows, columns] == table["s"].to_numpy(np.uint64))
    actions = table["decision"].map(_SAID).to_numpy(np.int8)
    said[rows[holds], columns[holds]] = actions[holds]
    return said
