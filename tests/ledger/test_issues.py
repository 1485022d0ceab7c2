"""Holds, failures and conflicts: what waits for somebody."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sfsync.errors import ConfigError
from sfsync.ledger import Ledger, audit, conflicts, issues
from sfsync.ledger.conflicts import KEEP, PLATFORM, SALESFORCE

TOP = np.uint64(2**64 - 1)


def cells(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["key", "field", "platform_digest", "salesforce_digest"])
    digests = {n: frame[n].astype("uint64") for n in ("platform_digest", "salesforce_digest")}
    return frame.assign(**digests, platform_stamp="2026-11-22T10:00:00Z", salesforce_stamp=pd.NA)


def held(*keys: str, reason: str = "PARENT_MISSING", **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"reason": reason, **columns}, index=pd.Index(keys))


def test_a_hold_that_goes_on_keeps_its_since(ledger: Ledger) -> None:
    issues.put_holds(ledger, "r1", "case", [], held("C-1", "C-2", waits_mapping="shop", waits_key="S-9"))
    before = issues.holds(ledger).set_index("key")["since"]
    issues.put_holds(ledger, "r2", "case", ["C-1", "C-2"], held("C-1", waits_mapping="shop", waits_key="S-8"))
    (row,) = issues.holds(ledger, "case").to_dict("records")
    assert (row["key"], row["since"], row["run_id"], row["waits_key"]) == ("C-1", before["C-1"], "r2", "S-8")


def test_holds_wake_when_the_parent_lands(ledger: Ledger) -> None:
    issues.put_holds(ledger, "r1", "case", [], held("C-1", waits_mapping="shop", waits_key="S-1"))
    issues.put_holds(ledger, "r1", "case", [], held("C-2", waits_mapping="player", waits_key="S-1"))
    assert list(issues.waiting_for(ledger, "shop", ["S-0", "S-1"])["key"]) == ["C-1"]
    assert issues.waiting_for(ledger, "shop", ["S-2"]).empty


def test_a_record_may_wait_and_have_parked_changes_at_once(ledger: Ledger) -> None:
    issues.put_holds(ledger, "r1", "player", [], held("P-1", "P-1", reason="UNDONE", digest=["aa", "bb"]))
    issues.put_holds(ledger, "r2", "player", [], held("P-1", reason="MOVED"))
    assert sorted(issues.holds(ledger)["reason"]) == ["MOVED", "UNDONE", "UNDONE"]
    issues.put_holds(ledger, "r3", "player", ["P-1"], held())
    assert issues.holds(ledger).empty


def test_retry_forgets_the_digest_and_is_audited(ledger: Ledger) -> None:
    rows = pd.DataFrame({"code": "X", "digest": "ab"}, index=["P-1", "P-2"])
    issues.fail(ledger, "r1", "player", "salesforce", rows)
    assert issues.retry(ledger, "player", ["P-1"], "anna") == 1
    assert issues.failures(ledger).set_index("key")["digest"].isna().to_dict() == {"P-1": True, "P-2": False}
    assert issues.retry(ledger, "player", None, "anna") == 2
    assert [(a["action"], a["actor"]) for a in audit.lines(ledger)] == [("failures.retry", "anna")] * 2
    with pytest.raises(ConfigError) as caught:
        issues.retry(ledger, "player", ["P-7"], "anna")
    assert caught.value.code == "ISSUE_UNKNOWN" and caught.value.next_step
    assert len(audit.lines(ledger)) == 2, "what did not happen is not in the trail"


def test_a_released_hold_can_be_tried_again(ledger: Ledger) -> None:
    issues.put_holds(ledger, "r1", "player", [], held("P-1", reason="UNDONE", digest="ab"))
    assert issues.release(ledger, "player", None, "anna") == 1
    assert issues.holds(ledger)["digest"].isna().all()


def test_failures_can_be_cleared_and_listed_by_mapping(ledger: Ledger) -> None:
    for name in ("player", "shop"):
        issues.fail(ledger, "r1", name, "salesforce", pd.DataFrame({"code": "X"}, index=["1", "2"]))
    issues.clear_failures(ledger, "player", "salesforce", ["1"])
    issues.clear_failures(ledger, "player", "platform", ["2"])
    assert list(issues.failures(ledger, "player")["key"]) == ["2"]
    assert len(issues.failures(ledger, "shop", keys=["1", "9"])) == 1
    assert len(issues.failures(ledger, limit=2)) == 2
    assert issues.get(ledger, "shop", "1")["failures"][0]["digest"] is None


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
    conflicts.decide(ledger, row["conflict_id"], said, "anna")  # type: ignore[arg-type]
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
        conflicts.decide(ledger, one, "platform", "anna")
    assert decided(ledger, [5], [6]) == [[0, 0], [0, 0]]


def test_an_accepted_difference_asks_nobody(ledger: Ledger) -> None:
    conflicts.accept(ledger, "r1", "player", cells(("P-1", "email", 5, 6)), "automation")
    assert conflicts.conflicts(ledger).empty
    assert decided(ledger, [5], [6]) == [[0, 0], [KEEP, 0]]
    conflicts.meet(ledger, "r2", "player", ["P-1"], cells())
    assert decided(ledger, [5], [6]) == [[0, 0], [KEEP, 0]]


def test_unknown_and_finished_conflicts_cannot_be_decided(ledger: Ledger) -> None:
    with pytest.raises(ConfigError, match="no such conflict"):
        conflicts.decide(ledger, "C-nothing", "platform", "anna")
    conflicts.meet(ledger, "r1", "player", [], cells(("P-1", "email", 5, 6)))
    one = conflicts.conflicts(ledger)["conflict_id"].iloc[0]
    conflicts.meet(ledger, "r2", "player", ["P-1"], cells())
    with pytest.raises(ConfigError, match="over"):
        conflicts.decide(ledger, one, "platform", "anna")
    assert audit.lines(ledger) == []
