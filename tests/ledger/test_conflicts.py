"""Conflicts in the ledger: met, decided by people, rules and deadlines, carried out once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sfsync.errors import ConfigError
from sfsync.ledger import Ledger, audit, conflicts, rulings
from sfsync.ledger.conflicts import KEEP, PLATFORM, SALESFORCE

TOP = np.uint64(2**64 - 1)


def cells(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["key", "field", "platform_digest", "salesforce_digest"])
    digests = {n: frame[n].astype("uint64") for n in ("platform_digest", "salesforce_digest")}
    return frame.assign(**digests, platform_stamp="2026-11-22T10:00:00Z", salesforce_stamp=pd.NA)


def test_a_conflict_met_again_is_the_same_conflict(ledger: Ledger) -> None:
    conflicts.meet(ledger, "r1", "player", [], cells(("P-1", "email", 5, 6)))
    (first,) = conflicts.conflicts(ledger).to_dict("records")
    conflicts.meet(ledger, "r2", "player", ["P-1"], cells(("P-1", "email", 5, 6)))
    (again,) = conflicts.conflicts(ledger).to_dict("records")
    assert (again["conflict_id"], again["since"]) == (first["conflict_id"], first["since"])
    assert again["run_id"] == "r2"


def test_a_conflict_is_over_when_its_record_was_seen_without_it(ledger: Ledger) -> None:
    conflicts.meet(ledger, "r1", "player", [], cells(("P-1", "email", 5, 6), ("P-2", "email", 5, 6)))
    conflicts.meet(ledger, "r2", "player", ["P-1"], cells(("P-1", "phone", 7, 8)))
    left = conflicts.conflicts(ledger)
    assert set(zip(left["key"], left["field"], strict=True)) == {("P-1", "phone"), ("P-2", "email")}
    assert len(conflicts.conflicts(ledger, state="closed")) == 1
    conflicts.meet(ledger, "r3", "player", ["P-1"], cells(("P-1", "email", 5, 6)))
    assert len(conflicts.conflicts(ledger)) == 2, "it opens again"


def decided(ledger: Ledger, platform: list[int], salesforce: list[int]) -> list[list[int]]:
    keys = pd.Index(["P-2", "P-1"])
    sides = [np.array([[0, d], [d, 0]], np.uint64) for d in (platform[0], salesforce[0])]
    found: list[list[int]] = conflicts.decisions(ledger, "player", ["email", "phone"], keys, *sides).tolist()
    return found


@pytest.mark.parametrize(("said", "code"), [("platform", PLATFORM), ("salesforce", SALESFORCE), ("keep", KEEP)])
def test_a_decision_sticks_to_exactly_these_two_values(ledger: Ledger, said: str, code: int) -> None:
    conflicts.meet(ledger, "r1", "player", [], cells(("P-1", "email", int(TOP), 6)))
    (row,) = conflicts.conflicts(ledger).to_dict("records")
    assert decided(ledger, [int(TOP)], [6]) == [[0, 0], [0, 0]]
    rulings.decide(ledger, row["conflict_id"], said, "anna")
    assert decided(ledger, [int(TOP)], [6]) == [[0, 0], [code, 0]]
    assert decided(ledger, [int(TOP)], [7]) == [[0, 0], [0, 0]]
    assert decided(ledger, [5], [6]) == [[0, 0], [0, 0]]
    found = conflicts.get(ledger, row["conflict_id"])
    assert (found["state"], found["decision"], found["decided_by"]) == ("decided", said, "anna")
    conflicts.meet(ledger, "r2", "player", [], cells(("P-1", "email", int(TOP), 6)))
    assert conflicts.get(ledger, row["conflict_id"])["state"] == "decided", "meeting it again does not ask again"
    (line,) = audit.lines(ledger)
    assert line["details"]["decision"] == said and line["details"]["key"] == "P-1"


def test_decisions_about_a_field_of_another_name_or_mapping_do_not_count(ledger: Ledger) -> None:
    conflicts.meet(ledger, "r1", "shop", [], cells(("P-1", "email", 5, 6)))
    conflicts.meet(ledger, "r1", "player", [], cells(("P-1", "gone", 5, 6)))
    for one in conflicts.conflicts(ledger)["conflict_id"]:
        rulings.decide(ledger, one, "platform", "anna")
    assert decided(ledger, [5], [6]) == [[0, 0], [0, 0]]


def test_an_accepted_difference_asks_nobody(ledger: Ledger) -> None:
    conflicts.accept(ledger, "r1", "player", cells(("P-1", "email", 5, 6)), "automation")
    assert conflicts.conflicts(ledger).empty
    assert decided(ledger, [5], [6]) == [[0, 0], [KEEP, 0]]
    conflicts.meet(ledger, "r2", "player", ["P-1"], cells())
    assert decided(ledger, [5], [6]) == [[0, 0], [KEEP, 0]]


def test_unknown_and_finished_conflicts_cannot_be_decided(ledger: Ledger) -> None:
    with pytest.raises(ConfigError, match="no such conflict"):
        rulings.decide(ledger, "C-nothing", "platform", "anna")
    conflicts.meet(ledger, "r1", "player", [], cells(("P-1", "email", 5, 6)))
    one = conflicts.conflicts(ledger)["conflict_id"].iloc[0]
    conflicts.meet(ledger, "r2", "player", ["P-1"], cells())
    with pytest.raises(ConfigError, match="over"):
        rulings.decide(ledger, one, "platform", "anna")
    assert audit.lines(ledger) == []
