"""One pair: the org brought to its state, its request sent, the answers compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests

from scripts.replay_pairs.compare import Difference, bodies, headers, plain
from scripts.replay_pairs.pairs import Pair
from scripts.replay_pairs.stage import Stage
from scripts.replay_pairs.state import prepare
from scripts.replay_pairs.states.base import Sent


@dataclass(frozen=True)
class Outcome:
    """What differs; ``not_played`` says why a pair was left out."""

    pair: Pair
    differences: list[Difference]
    not_played: str | None = None


def play(stage: Stage, pair: Pair) -> Outcome:
    """Replays one pair on an emptied org."""
    stage.fresh()
    try:
        answer = _send(stage, prepare(stage, pair))
    except (requests.HTTPError, KeyError, TypeError, AssertionError, ValueError, TimeoutError) as wrong:
        return Outcome(pair, [Difference("state", "could be had", f"could not be prepared: {wrong!r:.300}")])
    found: list[Difference] = []
    if answer.status_code != pair.status:
        found.append(Difference("status", str(pair.status), f"{answer.status_code} {answer.text[:200]}"))
    else:
        found += headers(pair.answer_headers, {k.lower(): v for k, v in answer.headers.items()})
        found += _body(pair, answer)
    return Outcome(pair, found)


def _send(stage: Stage, sent: Sent) -> requests.Response:
    more: dict[str, Any] = {"headers": {k: v for k, v in sent.headers.items() if "ORGID" not in v}}
    if isinstance(sent.body, str):
        more["data"] = sent.body.encode()
    elif sent.body is not None:
        more["json"] = sent.body
    return stage.call(sent.method, sent.path, token=sent.token, **more)


def _body(pair: Pair, answer: requests.Response) -> list[Difference]:
    recorded = pair.answer
    if recorded is None:
        return [Difference("body", "none", repr(answer.text[:80]))] if answer.content else []
    if isinstance(recorded, str):
        return _texts(recorded, answer.text)
    try:
        ours = answer.json()
    except json.JSONDecodeError:
        return [Difference("body", "JSON", repr(answer.text[:120]))]
    if isinstance(recorded, dict) and ("sobjects" in recorded or "childRelationships" in recorded):
        return _describes(recorded, ours)
    return list(bodies(recorded, ours))


def _texts(recorded: str, ours: str) -> list[Difference]:
    one, other = plain(recorded).strip().splitlines(), plain(ours).strip().splitlines()
    if one == other:
        return []
    for number, (left, right) in enumerate(zip(one, other, strict=False), 1):
        if left != right:
            return [Difference(f"line {number}", repr(left)[:300], repr(right)[:300])]
    return [Difference("lines", str(len(one)), str(len(other)))]


_NAMED = {
    "sobjects": "name",
    "fields": "name",
    "childRelationships": "relationshipName",
    "recordTypeInfos": "developerName",
}


def _describes(recorded: dict[str, Any], ours: dict[str, Any]) -> list[Difference]:
    """Describes name things in an order of their own and by what the org has: compared by name."""
    found = list(bodies(_without_lists(recorded), _without_lists(ours)))
    for key, name in _NAMED.items():
        here = {one[name]: one for one in ours.get(key, ()) if one.get(name)}
        there = {one[name]: one for one in recorded.get(key, ()) if one.get(name)}
        lost = [one for one in there if one not in here]
        if lost:
            found.append(Difference(f".{key}", f"has {lost}", "has them not"))
        for one in there.keys() & here.keys():
            found += bodies(there[one], here[one], f".{key}.{one}")
    return found


def _without_lists(value: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in value.items() if k not in _NAMED}
