"""Holds and failures: what waits for somebody."""

from __future__ import annotations

import pandas as pd
import pytest

from sfsync.errors import ConfigError
from sfsync.ledger import Ledger, audit, issues


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
