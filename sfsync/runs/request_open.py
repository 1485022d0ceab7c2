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
from sfsync.planners.requests.said import blocks, by_key, last_of
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
    A block of requests is one transaction; of a key that comes twice the last content counts.
    What a run that died had registered is new once more: whether it says something else is seen by comparing.
    """
    for rows in blocks(by_key(keys, np.flatnonzero(what == FIRST))):
        requests.register(bench.ledger, list(_made(bench, catalogue, found, routed, keys, received, rows)))
    for rows in blocks(last_of(keys, (what == CHANGED) | ((what == FIRST) & again.known))):
        changed = list(_made(bench, catalogue, found, routed, keys, received, rows))
        contents = {k: str(c) for k, c in zip(keys[rows], again.content[rows], strict=True)}
        requests.revise(bench.ledger, changed, contents, again.fields, again.received)


@dataclass(frozen=True)
class Again:
    """Of the n rows: bool, its request was known; object, the digest of what it says.

    ``fields``: names of what changed, by case. ``received``: the receipt of the file, which for a request that was
    known is not its T0.
    """

    known: np.ndarray
    content: np.ndarray
    fields: Mapping[str, list[str]]
    received: datetime


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
    columns = {n: column.take(rows) for n, column in found.fields.items()}
    table = {n: column.to_pylist() for n, column in columns.items() if column.null_count < len(rows)}
    said = found.marks.lists(rows)
    moments, actor = {t: datetime.fromisoformat(t) for t in set(received[rows])}, bench.actor
    for place, row in enumerate(rows.tolist()):
        values = {n: column[place] for n, column in table.items() if column[place] is not None}
        life = catalogue.by_code[routed.types[row]]
        operator = "" if life.target == "operator_code" else values.get("operator_code", "")
        yield New(
            case_key=keys[row],
            code=life.code,
            shop=values.get("shop_code", ""),
            received_at=moments[received[row]],
            queue=routed.queue[row],
            operator=operator,
            terminal=values.get("terminal_id", ""),
            requester=values.get("requested_by", "") or operator,
            imported_by=actor,
            restricted=life.restricted or life.undo == PROHIBITED,
            codes=tuple(said[place]),
            matter=_matter(life, values),
            fields={n: v for n, v in values.items() if n not in ELSEWHERE},
        )
