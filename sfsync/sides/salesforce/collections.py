"""Small writes: up to five collections of 200 records in one ``/composite`` call (wire reference 7, 8).

Rows of one parent stand next to each other, and calls follow one another, so two calls never fight for a parent's
lock. Rows refused for a lock or a busy moment go round again in smaller batches; what is locked to the last waits for
the next run.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sfsync.sides.salesforce import faults
from sfsync.sides.salesforce.lanes import bundles
from sfsync.sides.salesforce.payload import Payload
from sfsync.sides.salesforce.results import LOST, MISCOUNTED, failed, held, outcome, retriable, table, unknown
from sfsync.sides.salesforce.session import ReplyLost, Session
from sfsync.sides.side import CREATED, DELETED, UPDATED, Outcomes

TOGETHER = 5  # collections in one call
ROUNDS = (200, 50, 20, 5)  # rows per collection: first try, then the retry lane
BATCH_BYTES = 4_000_000
CALL_BYTES = 10_000_000


def write_headers(auto_assign: bool) -> dict[str, str]:
    """Headers of every write: no assignment rule unless wanted, alert-only duplicate rules let pass."""
    headers = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    return headers if auto_assign else {**headers, "Sforce-Auto-Assign": "FALSE"}


class Collections:
    """Writes payloads through collections."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def write(self, payload: Payload) -> Iterator[Outcomes]:
        """Send all rows; every row gets exactly one outcome."""
        rows = [] if payload.write.kind == "delete" else payload.rows()
        sizes = [len(json.dumps(r)) for r in rows] or [20] * len(payload.write)
        waiting = by_parent(payload)
        for number, most in enumerate(ROUNDS):
            again: list[int] = []
            last = number == len(ROUNDS) - 1
            for batches in _calls(_batches(waiting, sizes, most), sizes):
                done = self._send(payload, rows, batches)
                retry = np.zeros(len(done), bool) if last else retriable(done)
                done = held(done) if last else done
                sent = np.concatenate(batches)
                again += sent[retry].tolist()
                if not retry.all():
                    yield Outcomes(done[~retry])
            if not again:
                return
            waiting = np.array(again)
            self._pause(number)

    def _pause(self, number: int) -> None:
        patience = self._session.patience
        most = min(patience.most_s, patience.first_s * 2 ** (number + 1))
        time.sleep(random.uniform(0, most))  # noqa: S311 - jitter, not a secret

    def _send(self, payload: Payload, rows: list[dict[str, Any]], batches: Sequence[np.ndarray]) -> pd.DataFrame:
        auto = payload.view.mapping.salesforce.auto_assign
        requests = [self._request(payload, rows, b, n, write_headers(auto)) for n, b in enumerate(batches)]
        body = {"allOrNone": False, "compositeRequest": requests}
        keys = payload.write.keys[np.concatenate(batches)]
        try:
            answer = self._session.call("POST", "composite", json_body=body, headers=write_headers(auto))
        except ReplyLost:
            return table(keys, [unknown(LOST)] * len(keys))
        except faults.Refused as error:
            return table(keys, [failed(error.faults[0] if error.faults else faults.fault(error.code))] * len(keys))
        parts = answer.data["compositeResponse"]
        if len(parts) != len(batches):
            return table(keys, [unknown(MISCOUNTED)] * len(keys))
        found = [o for part, batch in zip(parts, batches, strict=True) for o in _read(payload, part, batch)]
        return table(keys, found)

    def _request(
        self, payload: Payload, rows: list[dict[str, Any]], batch: np.ndarray, number: int, headers: dict[str, str]
    ) -> dict[str, Any]:
        path = f"{self._session.data_path}composite/sobjects"
        request: dict[str, Any] = {"referenceId": f"part{number}", "httpHeaders": headers}
        if payload.write.kind == "delete":
            ids = ",".join(payload.write.ids.iloc[batch])
            return {**request, "method": "DELETE", "url": f"{path}?ids={ids}&allOrNone=false"}
        if payload.creates:
            path += f"/{payload.view.info.name}/{payload.view.mapping.salesforce.key}"
        records = [rows[n] for n in batch]
        return {**request, "method": "PATCH", "url": path, "body": {"allOrNone": False, "records": records}}


def by_parent(payload: Payload) -> np.ndarray:
    """Positions of the rows that can be sent, those that lock the same records together, otherwise in their order."""
    fit = np.flatnonzero(~payload.unfit)
    order: np.ndarray = np.argsort(bundles(payload.locks()[fit]), kind="stable")
    return fit[order]


def _batches(rows: np.ndarray, sizes: Sequence[int], most: int) -> Iterator[np.ndarray]:
    batch: list[int] = []
    used = 0
    for row in rows.tolist():
        if batch and (len(batch) == most or used + sizes[row] > BATCH_BYTES):
            yield np.array(batch)
            batch, used = [], 0
        batch.append(row)
        used += sizes[row]
    if batch:
        yield np.array(batch)


def _calls(batches: Iterator[np.ndarray], sizes: Sequence[int]) -> Iterator[list[np.ndarray]]:
    call: list[np.ndarray] = []
    used = 0
    for batch in batches:
        size = sum(sizes[n] for n in batch)
        if call and (len(call) == TOGETHER or used + size > CALL_BYTES):
            yield call
            call, used = [], 0
        call.append(batch)
        used += size
    if call:
        yield call


def _read(payload: Payload, part: dict[str, Any], batch: np.ndarray) -> list[dict[str, Any]]:
    """The outcomes of one collection."""
    body, status = part.get("body"), part.get("httpStatusCode", 0)
    if status >= 300:
        fault = faults.of_items([i for i in body or () if isinstance(i, dict)])
        return [failed(fault)] * len(batch)
    if not isinstance(body, list) or len(body) != len(batch):
        return [unknown(MISCOUNTED)] * len(batch)
    kind = payload.write.kind
    ids = payload.write.ids.iloc[batch].tolist()
    return [_item(kind, item, own) for item, own in zip(body, ids, strict=True)]


def _item(kind: str, item: dict[str, Any], own: Any) -> dict[str, Any]:
    record_id = item.get("id") or (None if pd.isna(own) else own)
    if item.get("success"):
        done = {"delete": DELETED, "update": UPDATED}.get(kind, CREATED if item.get("created", True) else UPDATED)
        return outcome(done, record_id)
    fault = faults.of_items(item.get("errors") or ())
    if kind == "delete" and fault.code == "ENTITY_IS_DELETED":
        return outcome(DELETED, record_id)  # done already: by an earlier try whose reply was lost, or by somebody
    return failed(fault, record_id)
