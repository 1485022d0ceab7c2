"""Writes that must not overwrite a newer value: conditional PATCHes, 25 to a ``/composite`` call.

``If-Unmodified-Since`` for most objects; Account rows have an ETag, so there the row is read first and ``If-Match``
closes even the gap of a second. 412 means somebody was faster. Such a call is never sent twice: after a lost reply
our own change would look like somebody else's. Source: SYNC "Compare-and-set", wire reference 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import numpy as np
import pandas as pd

from sfsync.sides.salesforce import faults
from sfsync.sides.salesforce.collections import write_headers
from sfsync.sides.salesforce.payload import Payload
from sfsync.sides.salesforce.results import LOST, MISCOUNTED, MOVED_FAULT, failed, outcome, table, unknown
from sfsync.sides.salesforce.session import ReplyLost, Session
from sfsync.sides.side import MOVED, UPDATED, Outcomes

AT_ONCE = 25


def strict_rows(payload: Payload) -> np.ndarray:
    """Updates that set a field with ``guard: strict``."""
    mask = np.zeros(len(payload.write), bool)
    if payload.write.kind == "update":
        for field in payload.view.mapping.synced:
            if field.guard == "strict" and field.name in payload.touched:
                mask |= payload.touched[field.name]
    return mask


class Guarded:
    """Conditional updates."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def write(self, payload: Payload, stamps: pd.Series) -> Iterator[Outcomes]:
        """Update each row if it still has the stamp (ISO text, by position) it had when it was read."""
        rows = payload.rows()
        for start in range(0, len(rows), AT_ONCE):
            few = np.arange(start, min(start + AT_ONCE, len(rows)))
            yield Outcomes(self._few(payload, rows, few, stamps))

    def _few(self, payload: Payload, rows: list[dict[str, Any]], few: np.ndarray, stamps: pd.Series) -> pd.DataFrame:
        ids = [rows[n]["id"] for n in few]
        if payload.view.info.name == "Account":
            tags = self._tags(ids, [stamps.iloc[n] for n in few])
            conditions = [{"If-Match": t} if t else None for t in tags]
        else:
            conditions = [{"If-Unmodified-Since": _http_date(stamps.iloc[n])} for n in few]
        send = [k for k, c in enumerate(conditions) if c is not None]
        found = [outcome(MOVED, record_id, MOVED_FAULT) for record_id in ids]
        answers = self._patch(payload, [(rows[few[k]], conditions[k] or {}) for k in send]) if send else []
        for k, answer in zip(send, answers, strict=True):
            found[k] = answer
        return table(payload.write.keys[few], found)

    def _tags(self, ids: list[str], stamps: list[str]) -> list[str | None]:
        """The rows' ETags; None where the row is gone or has another stamp than expected.

        Whole rows: documented composite answers to ``?fields=`` carry no ETag.
        """
        urls = [f"{self._session.data_path}sobjects/Account/{i}" for i in ids]
        parts = [{"method": "GET", "url": u, "referenceId": f"row{n}"} for n, u in enumerate(urls)]
        answer = self._session.call("POST", "composite", json_body={"compositeRequest": parts})
        return [_tag(p, s) for p, s in zip(answer.data["compositeResponse"], stamps, strict=True)]

    def _patch(self, payload: Payload, rows: list[tuple[dict[str, Any], dict[str, str]]]) -> list[dict[str, Any]]:
        headers = write_headers(payload.view.mapping.salesforce.auto_assign)
        root = f"{self._session.data_path}sobjects/{payload.view.info.name}"
        parts = [
            {
                "method": "PATCH",
                "url": f"{root}/{row['id']}",
                "referenceId": f"row{n}",
                "httpHeaders": {**headers, **condition},
                "body": {k: v for k, v in row.items() if k not in ("id", "attributes")},
            }
            for n, (row, condition) in enumerate(rows)
        ]
        try:
            answer = self._session.call("POST", "composite", json_body={"compositeRequest": parts}, resend=False)
        except ReplyLost:
            return [unknown(LOST)] * len(rows)
        found = answer.data["compositeResponse"]
        if len(found) != len(rows):
            return [unknown(MISCOUNTED)] * len(rows)
        return [_read(part, row["id"]) for part, (row, _) in zip(found, rows, strict=True)]


def _read(part: dict[str, Any], record_id: str) -> dict[str, Any]:
    status, body = part["httpStatusCode"], part.get("body")
    if status < 300:
        return outcome(UPDATED, record_id)
    if status == 412:
        return outcome(MOVED, record_id, MOVED_FAULT)
    return failed(faults.of_items([i for i in body or () if isinstance(i, dict)]), record_id)


def _tag(part: dict[str, Any], stamp: str) -> str | None:
    if part["httpStatusCode"] != 200 or str(part["body"]["SystemModstamp"])[:19] != stamp[:19]:
        return None
    tag = part.get("httpHeaders", {}).get("ETag")
    return str(tag) if tag else None


def _http_date(stamp: str) -> str:
    return format_datetime(datetime.fromisoformat(stamp), usegmt=True)
