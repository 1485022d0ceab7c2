"""What was asked before: the same request again, the same fault reported again, one payment asked for twice.

Pure: the rows of a file and what the ledger remembers of earlier ones go in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from sfsync.planners.requests.catalogue import Catalogue
from sfsync.planners.requests.identity import Identity, first_of
from sfsync.planners.requests.rowmarks import ACCEPT, SKIPPED, WARNED
from sfsync.planners.requests.validate import Judged

NEW, AGAIN, CHANGED, REPEAT = "new", "again", "changed", "repeat"


@dataclass(frozen=True)
class Known:
    """What the ledger remembers.

    requests  by source key: content, case_key, received_at (text), state
    ids       by digest of a request id: the shop it belongs to
    matters   by digest of what a request is about: (occurred_at, case_key, source_key, the case is open) of each
    """

    requests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    matters: Mapping[str, list[tuple[str, str, str, bool]]] = field(default_factory=dict)


@dataclass
class Met:
    """Of n rows: what they are to us (``NEW`` …, empty where no case follows), their case, and what they may repeat."""

    what: np.ndarray
    case: np.ndarray
    twin: np.ndarray


def meet(found: Judged, who: Identity, known: Known, catalogue: Catalogue) -> tuple[np.ndarray, Met]:
    """The outcome of every row (object n) and what became of it. Adds E-KEY-CLASH to the marks."""
    _clashes(found, who, known)
    outcomes = found.outcomes()
    good = np.isin(outcomes.astype(str), (ACCEPT, WARNED))
    met = Met(np.full(len(found), "", object), np.full(len(found), None, object), np.full(len(found), None, object))
    _requests(good, who, known, met)
    _matters(found, who, known, catalogue, met)
    outcomes[met.what == AGAIN] = SKIPPED
    return outcomes, met


def _clashes(found: Judged, who: Identity, known: Known) -> None:
    """One request id, two shops: a person looks at the later one."""
    good = np.isin(found.outcomes().astype(str), (ACCEPT, WARNED))
    shops = np.array(found.fields["shop_code"].to_pylist(), object)
    ids = _only(who.request, good)
    first = first_of(ids)
    owner = np.array([known.ids.get(i) if i is not None else None for i in ids], object)
    owner = np.where(owner == None, shops[first], owner)  # noqa: E711  (object arrays compare cell by cell)
    found.marks.add("E-KEY-CLASH", good & (ids != None) & (owner != shops))  # noqa: E711


def _requests(good: np.ndarray, who: Identity, known: Known, met: Met) -> None:
    """Same key, same content: nothing to do. Same key, other content: the case is updated."""
    keys = _only(who.key, good)
    said: dict[str, str] = {}
    for row in np.flatnonzero(good).tolist():
        key, content = keys[row], who.content[row]
        before = known.requests.get(key)
        met.case[row] = before["case_key"] if before else key
        last = said.get(key, before["content"] if before and before["state"] == "made" else None)
        met.what[row] = NEW if last is None else AGAIN if last == content else CHANGED
        said[key] = content


def _matters(found: Judged, who: Identity, known: Known, catalogue: Catalogue, met: Met) -> None:
    """New requests about what an open case is about already join it, or are flagged as possibly the same payment."""
    new = (met.what == NEW) & (who.alike != None)  # noqa: E711
    times = found.fields["occurred_at"].to_pylist()
    seen: dict[str, list[tuple[str, str, str, bool]]] = {}
    types = catalogue.by_code
    for row in sorted(np.flatnonzero(new).tolist(), key=lambda r: (times[r] or "", r)):
        one = types[found.types[row]]
        alike = one.repeat or one.duplicate
        assert alike is not None
        about = seen.setdefault(who.alike[row], list(known.matters.get(who.alike[row], ())))
        mine = (e for e in about if e[3] and e[2] != who.key[row])
        earlier = next((e for e in mine if _near(e[0], times[row], alike.minutes)), None)
        if earlier and one.repeat:
            met.what[row], met.case[row] = REPEAT, earlier[1]
        elif earlier:
            met.twin[row] = earlier[2]
        if met.what[row] == NEW:
            about.append((times[row], met.case[row], who.key[row], True))


def _only(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The values of these rows, None in the others."""
    made = values.copy()
    made[~rows] = None
    return made


def _near(one: str, other: str, minutes: int) -> bool:
    gap = datetime.fromisoformat(one) - datetime.fromisoformat(other)
    return abs(gap) <= timedelta(minutes=minutes)
