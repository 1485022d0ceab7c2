"""From intake to the life of a request: what was asked is noted, sealed, before its case is made.

So a run that dies in between leaves a request without a case, which nothing works, and never a case without a request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from sfsync.ledger import requests
from sfsync.ledger.requests import New
from sfsync.planners.requests.cases import Routed
from sfsync.planners.requests.catalogue import Catalogue, RequestType
from sfsync.planners.requests.repeat import CHANGED
from sfsync.planners.requests.repeat import NEW as FIRST
from sfsync.planners.requests.validate import Judged
from sfsync.runs.bench import Bench

ELSEWHERE = ("shop_code", "request_type", "request_id", "priority", "description")  # in the case, or the key
PROHIBITED = "-"


def hand_over(
    bench: Bench,
    catalogue: Catalogue,
    found: Judged,
    routed: Routed,
    keys: np.ndarray,
    received: np.ndarray,
    what: np.ndarray,
    again: Again,
) -> None:
    """Registers the new requests of a file and revises the changed ones.

    ``keys``, ``received`` (instants as text) and ``what`` (new, changed, …) are object arrays, one per row of the file.
    What a run that died had registered is new once more: whether it says something else is seen by comparing.
    """
    new = list(_made(bench, catalogue, found, routed, keys, received, np.flatnonzero(what == FIRST)))
    if new:
        requests.register(bench.ledger, new)
    met = (what == CHANGED) | ((what == FIRST) & again.known)
    changed = {n.case_key: n for n in _made(bench, catalogue, found, routed, keys, received, np.flatnonzero(met))}
    if changed:
        contents = {k: str(c) for k, c, m in zip(keys, again.content, met, strict=True) if m}
        requests.revise(bench.ledger, list(changed.values()), contents, again.fields)


@dataclass(frozen=True)
class Again:
    """Of the n rows: bool, its request was known; object, the digest of what it says. ``fields``: changed, by case."""

    known: np.ndarray
    content: np.ndarray
    fields: Mapping[str, list[str]]


def _matter(life: RequestType, values: Mapping[str, str]) -> str:
    """What only one request may be made for; empty where the type or the row names nothing of the kind."""
    named = [values.get(n, "") for n in life.alone_by]
    return "|".join([life.code, *(v.upper() for v in named)]) if named and all(named) else ""


def _made(
    bench: Bench,
    catalogue: Catalogue,
    found: Judged,
    routed: Routed,
    keys: np.ndarray,
    received: np.ndarray,
    rows: np.ndarray,
) -> Iterator[New]:
    if not len(rows):
        return
    said = found.marks.lists()
    table = {n: column.take(rows).to_pylist() for n, column in found.fields.items()}
    for place, row in enumerate(rows.tolist()):
        values = {n: column[place] for n, column in table.items() if column[place] is not None}
        life = catalogue.by_code[routed.types[row]]
        operator = "" if life.target == "operator_code" else values.get("operator_code", "")
        yield New(
            case_key=keys[row],
            code=life.code,
            shop=values.get("shop_code", ""),
            received_at=datetime.fromisoformat(received[row]),
            queue=routed.queue[row],
            operator=operator,
            terminal=values.get("terminal_id", ""),
            requester=values.get("requested_by", "") or operator,
            imported_by=bench.actor,
            restricted=life.restricted or life.undo == PROHIBITED,
            codes=tuple(said[row]),
            matter=_matter(life, values),
            fields={n: v for n, v in values.items() if n not in ELSEWHERE},
        )
