"""From what Salesforce kept of cases to cases and events of the engine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd

from sfsync.planners.sla.trace import AHEAD, Trace, trace
from sfsync.planners.sla.words import HARM, LEGAL, MINUTE, EventKind
from sfsync.sides.salesforce import happened
from sfsync.sides.salesforce.happened import Happened
from tests.planners.sla.test_twin import known

T0 = pd.Timestamp("2026-05-12T08:00:00Z").as_unit("us")
INSTANTS = ("created", "received", *happened._STAMPS)


def traced(*rows: dict[str, Any], words: pd.DataFrame | None = None) -> Trace:
    """The trace of cases an hour after T0; ``rows`` say what is not usual."""
    usual = {"tier": "VIP", "priority": "P1", "channel": "phone", "category": "login", "status": "New", "created": T0}
    cases = pd.DataFrame(
        [{**dict.fromkeys(happened.CASE.values()), **usual, "id": f"500{i}", "number": str(i), **row}
         for i, row in enumerate(rows)],
        dtype=object,
    )  # fmt: skip
    for name in INSTANTS:
        cases[name] = pd.to_datetime(cases[name], utc=True).astype("datetime64[us, UTC]")
    cases = cases.assign(in_incident=False, pir_whole=False, quiet=False, since=cases["closed"])
    kinds = (happened.HISTORY, happened.COMMENTS, happened.EMAILS, happened.CALLS, happened.RECOVERY)
    nothing = [_nothing(c).assign(ours=False) for c in kinds]
    found = Happened(cases, *nothing, happened.no_words() if words is None else words)
    return trace(found, known(), _us(T0) + 60 * MINUTE)


def _nothing(names: dict[str, str]) -> pd.DataFrame:
    empty = pd.DataFrame({n: pd.Series([], dtype=object) for n in names.values()})
    return empty.assign(at=pd.Series([], dtype="datetime64[us, UTC]"))


def _us(at: pd.Timestamp) -> int:
    return int(at.value // 1000)


def test_what_does_not_fit_is_named_and_the_others_stay() -> None:
    late = T0 + timedelta(minutes=60, microseconds=AHEAD + 1)
    odd = {"tier": "GOLD"}, {"status": "Escalated"}, {"status": None}, {"channel": "Fax"}, {"received": late}
    found = traced({}, *odd, {"priority": "Rosso"}, {"tier": None})
    codes = dict(zip(found.problems["id"], found.problems["code"], strict=True))
    assert list(codes) == ["5001", "5006", "5002", "5003", "5004", "5005"]
    assert list(codes.values()) == ["E-TIER", "E-PRIORITY", "E-STATUS", "E-STATUS", "E-CHANNEL", "E-TIME-FUTURE"]
    assert found.rows["id"].tolist() == ["5000", "5007"]
    assert len(found.cases) == 2


def test_words_belong_to_their_case() -> None:
    at = pd.Series([T0, T0 + timedelta(minutes=1)]).astype("datetime64[us, UTC]")
    words = pd.DataFrame({"id": ["5002", "5001"], "at": at, "value": pd.Series([LEGAL, HARM], dtype="int16")})
    found = traced({"tier": "GOLD"}, {}, {}, words=words).events
    assert set(found.kind.tolist()) == {EventKind.WORDS}
    assert sorted(zip(found.case.tolist(), found.at.tolist(), found.value.tolist(), strict=True)) == [
        (0, _us(T0) + MINUTE, HARM),
        (1, _us(T0), LEGAL),
    ]


def test_partners_write_of_the_authority_every_day() -> None:
    at = pd.Series([T0, T0]).astype("datetime64[us, UTC]")
    words = pd.DataFrame({"id": ["5000", "5000"], "at": at, "value": pd.Series([LEGAL, HARM], dtype="int16")})
    found = traced({"tier": "PARTNER"}, words=words).events
    assert found.value[found.kind == EventKind.WORDS].tolist() == [HARM]
