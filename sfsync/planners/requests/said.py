"""What is said of the rows of a file: one document per row, made when it is asked for.

A hundred thousand documents take more memory than everything else an import keeps; so only columns are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, overload

import numpy as np
import pandas as pd

from sfsync.planners.requests.cases import Routed
from sfsync.planners.requests.repeat import AGAIN, CHANGED, NEW, REPEAT, Met
from sfsync.planners.requests.rowmarks import OUTCOMES, QUARANTINE, Marks
from sfsync.planners.requests.validate import OUT_OF_TERM, Judged

Row = dict[str, Any]
BLOCK = 10_000  # rows that are looked at together


@dataclass
class Said(Sequence[Row]):
    """The documents of n rows.

    lines     int64 n: where each row stands in the file
    keys      source key of each row (object n)
    outcomes  one outcome per row (object n)
    types     names of request types by code
    numbers   number, or key, of each row's case (object n); None until it is known
    """

    found: Judged
    met: Met
    lines: np.ndarray
    keys: np.ndarray
    outcomes: np.ndarray
    types: Mapping[str, str]
    numbers: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.numbers = np.full(len(self.lines), None, object)

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return self.documents(np.arange(*place.indices(len(self))))
        return self.documents(np.array([range(len(self))[place]]))[0]

    def __iter__(self) -> Iterator[Row]:
        for rows in blocks(np.arange(len(self))):
            yield from self.documents(rows)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Rows by outcome; outcomes nobody has are left out."""
        found = {o: int((self.outcomes == o).sum()) for o in OUTCOMES}
        return {o: n for o, n in found.items() if n}

    @cached_property
    def cases(self) -> np.ndarray:
        """Rows (int64) that have a case, or are about one."""
        return np.flatnonzero(self.met.what.astype(bool))

    def documents(self, rows: np.ndarray) -> list[Row]:
        """The documents of these rows (int64)."""
        ids, shops = (self.found.fields[n].take(rows).to_pylist() for n in ("request_id", "shop_code"))
        codes, missing = self.found.marks.lists(rows), self.found.missing(rows)
        made = []
        for place, row in enumerate(rows.tolist()):
            skipped = bool(self.found.skipped[row])
            one = {
                "row": int(self.lines[row]),
                "request_id": ids[place],
                "outcome": str(self.outcomes[row]),
                "codes": [] if self.met.what[row] == AGAIN else codes[place],
                "request_type": None if skipped else self.types[self.found.types[row]],
                "source_key": None if skipped or shops[place] is None else self.keys[row],
                "case": self.numbers[row],
            }
            made.append(one | self._more(row, missing[place]))
        return made

    def _more(self, row: int, missing: list[str]) -> Row:
        """What only some rows have to say."""
        met, what = self.met, self.met.what[row]
        more: Row = {}
        if missing and (what in (NEW, CHANGED, REPEAT) or self.outcomes[row] == QUARANTINE):
            more["missing"] = missing
        if what == REPEAT:
            more["repeats"] = met.case[row]
        if met.twin[row] is not None:
            more["possible_duplicate_of"] = met.twin[row]
        if self.found.late[row] and what == NEW:
            more["case_outcome"] = OUT_OF_TERM
        return more


def blocks(rows: np.ndarray) -> Iterator[np.ndarray]:
    """The rows in pieces of at most ``BLOCK``."""
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK]


def last_of(keys: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Of these rows (bool n), the last of each key (int64)."""
    places = np.flatnonzero(rows)
    return places[~pd.Series(keys[places]).duplicated(keep="last").to_numpy()]


def by_key(keys: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """These rows (int64) in the order of their keys: neighbours in an index are written together, at half the cost."""
    return rows[np.argsort(keys[rows], kind="stable")]


def part(found: Judged, routed: Routed, rows: np.ndarray) -> tuple[Judged, Routed]:
    """These rows (int64) alone, as cases are made of them: without their codes."""
    some = replace(
        found,
        fields={n: column.take(rows) for n, column in found.fields.items()},
        types=found.types[rows],
        marks=Marks(len(rows)),
        skipped=found.skipped[rows],
        shop=found.shop[rows],
        operator=found.operator[rows],
        late=found.late[rows],
        raw={},
        lacking={},
        no_time={},
    )
    return some, Routed(routed.types[rows], routed.queue[rows], routed.priority[rows])
