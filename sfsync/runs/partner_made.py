"""What was collected of the cases of a file while their rows were planned piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sfsync.planners.requests import books as book
from sfsync.planners.requests import cases, make
from sfsync.planners.requests.books import Books
from sfsync.sides import columns
from sfsync.sides.side import TEXT


@dataclass
class Made:
    """Cases whose rows are planned: their keys, what changes in them, and what they are linked to.

    fields    by key of a changed case, the names of the request's fields that are not as they were
    attached  keys of the cases with a text that is kept whole
    """

    books: Books
    new: list[pd.Index] = field(default_factory=list)
    changed: list[pd.Index] = field(default_factory=list)
    linked: dict[str, set[str]] = field(default_factory=dict)
    fields: dict[str, list[str]] = field(default_factory=dict)
    attached: set[str] = field(default_factory=set)

    def add(self, piece: make.Rows) -> None:
        """The cases of a piece."""
        self.new.append(piece.new.index)
        self.changed.append(piece.now.index)
        self.fields |= _differ(piece.now, piece.before)

    def link(self, frame: pd.DataFrame, shop: np.ndarray) -> None:
        """What these cases (n x f) are linked to; ``shop``: where the shop of each stands in the books, -1 for none."""
        places = np.unique(shop)
        company = book.at(self.books.shops, "company_code", places[places >= 0]).to_pylist()
        wanted = {"company": company, **{n: frame[n].dropna().unique() for n in ("shop", "operator", "terminal")}}
        for name, keys in wanted.items():
            self.linked.setdefault(name, set()).update(str(k) for k in keys if k)

    def cases(self, marks: pd.DataFrame) -> make.Cases:
        """All of them, and what is said of some (frame by key)."""
        return make.Cases(_joined(self.new), _joined(self.changed), marks)

    def parents(self) -> dict[str, pd.Index]:
        """Keys of the records the cases are linked to, and of those these are linked to."""
        return {n: pd.Index(sorted(keys), dtype=TEXT, name="key") for n, keys in self.linked.items()}


def _joined(parts: Sequence[pd.Index]) -> pd.Index:
    nothing = pd.Index([], dtype=TEXT, name="key")
    return parts[0].append(list(parts[1:])) if parts else nothing


def _differ(now: pd.DataFrame, before: pd.DataFrame) -> dict[str, list[str]]:
    """By case, the names of the fields that are not as they were."""
    names = [n for n in cases.CHANGEABLE if n in now.columns]
    was = columns.rows(before, now.index, names)
    mask = ~columns.equal(now[names], was)
    fields = np.array([cases.FIELD_OF.get(n, n) for n in names], object)
    return {key: fields[row].tolist() for key, row in zip(now.index, mask, strict=True)}
