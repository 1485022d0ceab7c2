"""What the ledger remembers, in the arrays the planner works on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping

# columns (f; the one column "" is the record itself), keys (n), digests of platform and salesforce (uint64 n x f)
# -> int8 n x f, a merge ``Action``; 0 = nothing was said about exactly these values
Said: TypeAlias = "Callable[[Sequence[str], pd.Index, np.ndarray, np.ndarray], np.ndarray]"


def nothing_said(columns: Sequence[str], keys: pd.Index, _platform: np.ndarray, _salesforce: np.ndarray) -> np.ndarray:
    """No rule and no deadline."""
    return np.zeros((len(keys), len(columns)), np.int8)


@dataclass(frozen=True)
class Recall:
    """Memory of n keys of one mapping.

    digests    uint64 n x f, 0 = never agreed
    ids        Salesforce ids, text or NA
    state      synced | detached | merged, NA where unknown
    in_doubt   bool n x f: the cell belongs to a batch whose outcome nobody saw
    said       what people decided, asked with the digests both sides have now (see ``Said``)
    parked     frame: key, side, code, digest, status (refused | undone): changes not to be tried again as they are
    open       bool n: the key has an open hold, failure or conflict
    ruled      what a rule or the deadline says where a person would be asked (see ``Said``)
    loads      large loads not read back yet: since, until, records
    """

    digests: np.ndarray
    ids: pd.Series
    state: pd.Series
    in_doubt: np.ndarray
    said: Said
    parked: pd.DataFrame
    open: np.ndarray
    ruled: Said = nothing_said
    loads: list[tuple[str, str, int]] = field(default_factory=list)


class Memory(Protocol):
    """The half of the ledger that cannot be written: what planners get."""

    def recall(self, mapping: Mapping, keys: pd.Index) -> Recall:
        """What is remembered of these keys."""

    def known_parents(self, mapping: str, keys: pd.Index) -> np.ndarray:
        """bool per key: this record exists in Salesforce as far as we know."""

    def open_keys(self, mapping: Mapping) -> list[str]:
        """Keys with open holds, failures or conflicts; they are looked at in every run."""

    def loads(self, mapping: Mapping) -> list[tuple[str, str, int]]:
        """Large loads that were not read back yet: since, until, records."""

    def bounds(self, mapping: Mapping, since: str) -> list[tuple[str, str]]:
        """(stamp, id) of the records known to have been stamped since, sorted; of very many only the first ones."""

    def size(self, mapping: Mapping) -> int:
        """How many records the base knows."""
