"""What every preparation works with."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from scripts.replay_pairs.pairs import Pair
from scripts.replay_pairs.stage import Stage
from sfsync.rehearsal.ids import is_valid, to18

_IDS = re.compile(r"\b[a-zA-Z0-9]{15}(?:[A-Z0-5]{3})?\b")
_STAMPS = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
LATER = dict.fromkeys(_STAMPS, "2099-01-01T00:00:00Z")
EARLIER = dict.fromkeys(_STAMPS, "2001-01-01T00:00:00Z")


@dataclass(frozen=True)
class Sent:
    """The request as it goes to our org. ``token`` None: the standing session."""

    pair: Pair
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    token: str | None = None


Preparation = Callable[[Stage, Sent], Sent]


def named_records(stage: Stage, pair: Pair) -> None:
    """Seeds what the answer shows and what the request names by id, and as many rows more as the answer counts."""
    rows = stage.rows_in(pair.answer)
    if not rows or pair.method != "GET":
        for one in set(_IDS.findall(pair.path)) | set(_IDS.findall(str(pair.sent))):
            name = stage.object_of(one) if is_valid(one) else None
            if name and any(c.isdigit() for c in one):
                rows.setdefault(name, {}).setdefault(to18(one), {"Name": "Before", "LastName": "Before"})
    stage.seed(rows)
    answer = pair.answer if isinstance(pair.answer, dict) else {}
    shown = answer.get("records") or []
    if "totalSize" in answer and shown and "url" in shown[0]["attributes"]:
        stage.fill_up(shown[0]["attributes"]["type"], answer["totalSize"] - len(shown), LATER, "")


def as_it_is(stage: Stage, sent: Sent) -> Sent:
    return sent


def expired(stage: Stage, sent: Sent) -> Sent:
    return replace(sent, token="00D000000000000!expired")  # noqa: S106


def fault(**order: Any) -> Preparation:
    """The named records, and a fault that waits for the request."""

    def act(stage: Stage, sent: Sent) -> Sent:
        named_records(stage, sent.pair)
        stage.order("faults", order)
        return sent

    return act
