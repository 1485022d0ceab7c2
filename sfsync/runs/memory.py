"""The ledger as planners see it: only what can be read, in the arrays they work on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import numpy as np
import pandas as pd

from sfsync.ledger import base, conflicts, loads, parked, rulings
from sfsync.ledger.store import Ledger
from sfsync.mapping.model import Mapping
from sfsync.merge.footing import Standing
from sfsync.planners.sync.recall import Recall, nothing_said
from sfsync.planners.sync.windows import first_standing, recalled
from sfsync.sides.columns import within

MANY = 50_000  # a window that may hold more is read by a Bulk query, which needs no hints


@dataclass
class LedgerMemory:
    """``planners.sync.recall.Memory`` over a ledger; ``in_doubt`` per mapping: (key, field) of unseen outcomes.

    ``standings`` per mapping: what still counts of what is remembered.
    """

    ledger: Ledger
    in_doubt: dict[str, pd.DataFrame | None] = field(default_factory=dict)
    as_of: datetime | None = None  # the instant rules and deadlines are asked about; None: nobody asks
    standings: dict[str, Standing] = field(default_factory=dict)
    _loads: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)

    def recall(self, mapping: Mapping, keys: pd.Index) -> Recall:
        """What is remembered of these keys, in their order."""
        known = base.read(self.ledger, mapping.name, mapping.columns, keys).align(keys)
        recall = Recall(
            known.digests,
            known.ids,
            known.state,
            self._in_doubt(mapping, keys),
            partial(conflicts.decisions, self.ledger, mapping.name),
            parked.of_keys(self.ledger, mapping.name, keys),
            keys.isin(self.open_keys(mapping)),
            nothing_said if self.as_of is None else partial(rulings.ruled, self.ledger, mapping, self.as_of),
            self.loads(mapping),
        )
        return recalled(self.standing(mapping), mapping, recall)

    def standing(self, mapping: Mapping) -> Standing:
        """How this mapping's base stands, as far as anybody asked."""
        return self.standings.get(mapping.name) or first_standing(mapping)

    def known_parents(self, mapping: str, keys: pd.Index) -> np.ndarray:
        """bool per key: known to exist in Salesforce."""
        if mapping in self.standings and self.standings[mapping].fresh:
            return np.zeros(len(keys), bool)
        return within(keys, base.ids_of(self.ledger, mapping, keys, state="synced").index)

    def open_keys(self, mapping: Mapping) -> list[str]:
        """Keys with something open."""
        return parked.open_keys(self.ledger, mapping.name)

    def loads(self, mapping: Mapping) -> list[tuple[str, str, int]]:
        """Large loads whose records come in the next window."""
        if mapping.name not in self._loads:
            self._loads[mapping.name] = [] if self.standing(mapping).fresh else loads.of(self.ledger, mapping.name)
        return self._loads[mapping.name]

    def bounds(self, mapping: Mapping, since: str) -> list[tuple[str, str]]:
        """(stamp, id) known to lie in the window; of very many only the first ones, enough to know that."""
        if self.standing(mapping).fresh:
            return []
        return base.known_since(self.ledger, mapping.name, since, most=MANY)

    def size(self, mapping: Mapping) -> int:
        """How many records are known."""
        return base.count(self.ledger, mapping.name)

    def _in_doubt(self, mapping: Mapping, keys: pd.Index) -> np.ndarray:
        doubt = conflicts.doubtful(self.ledger, mapping.name, mapping.columns, keys)
        cells = self.in_doubt.get(mapping.name)
        if cells is not None and len(cells):
            rows = keys.get_indexer(cells["key"])
            columns = pd.Index(mapping.columns).get_indexer(cells["field"])
            found = (rows >= 0) & (columns >= 0)
            doubt[rows[found], columns[found]] = True
        return doubt
