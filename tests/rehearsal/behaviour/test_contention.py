"""Writers who want one parent at the same time: reckoned locks of calls and of Bulk jobs."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from sfsync.rehearsal.dml.contention import Key, Reckoning, doomed
from sfsync.rehearsal.org import Org

SLOW = Reckoning(hold_s=4, wait_s=10, lanes=5)


def upload(parents: list[str]) -> list[list[Key]]:
    return [[(1, one)] for one in parents]


class TestBulk:
    def test_one_batch_never_meets_itself(self) -> None:
        assert doomed(upload(["p"] * 10_000), SLOW) == {}

    def test_batches_side_by_side_meet_at_the_parent_they_share(self) -> None:
        lost = doomed(upload(["p"] * 50_000), SLOW)
        assert 0 < len(lost) < 50_000
        assert set(lost.values()) == {(1, "p")}
        assert all(row >= 10_000 for row in lost), "who came first has the lock"

    def test_rows_in_the_order_of_their_parents_keep_out_of_each_others_way(self) -> None:
        in_order = [f"p{number * 40 // 50_000:02d}" for number in range(50_000)]
        mixed = [f"p{number % 40:02d}" for number in range(50_000)]
        assert len(doomed(upload(in_order), SLOW)) < 10
        assert len(doomed(upload(mixed), SLOW)) > 1_000

    def test_two_lanes_wait_for_each_other_and_lose_nothing(self) -> None:
        assert doomed(upload(["p"] * 20_000), Reckoning(hold_s=4, wait_s=10, lanes=2)) == {}

    def test_the_same_upload_tells_the_same_story(self) -> None:
        rows = upload([f"p{number % 7}" for number in range(60_000)])
        assert doomed(rows, SLOW) == doomed(rows, SLOW)

    def test_rows_fail_with_the_parents_id(self, tmp_path: Path) -> None:
        org = Org.open(tmp_path)
        parent = org.insert("Account", [{"Name": "a"}])[0].id
        rows = [["x", parent or ""]] * 3
        columns = org.parent_columns("Contact", ["LastName", "AccountId"])
        found = list(org.load_csv("Contact", "insert", None, ["LastName", "AccountId"], rows, late={1: columns[0]}))
        assert [one.success for one in found] == [True, False, True]
        assert found[1].errors[0].code == "UNABLE_TO_LOCK_ROW"
        assert str(parent)[:15] in found[1].errors[0].message
        org.close()


class TestCalls:
    @pytest.fixture
    def org(self, tmp_path: Path) -> Org:
        made = Org.open(tmp_path)
        made.reckon_row_locks(Reckoning(hold_s=0.4, wait_s=0.1))
        return made

    def test_one_caller_after_another_is_never_in_his_own_way(self, org: Org) -> None:
        account = org.insert("Account", [{"Name": "a"}])[0].id
        assert all(org.insert("Contact", [{"LastName": "x", "AccountId": account}])[0].success for _ in range(3))

    def test_two_callers_at_one_parent(self, org: Org) -> None:
        org.reckon_row_locks(None)
        account = org.insert("Account", [{"Name": "a"}])[0].id
        org.reckon_row_locks(Reckoning(hold_s=0.4, wait_s=0.1))
        found: dict[str, bool] = {}

        def write(name: str) -> None:
            found[name] = org.insert("Contact", [{"LastName": name, "AccountId": account}])[0].success

        threads = [threading.Thread(target=write, args=(name,)) for name in ("one", "two")]
        for thread in threads:
            thread.start()
            time.sleep(0.1)
        for thread in threads:
            thread.join()
        assert sorted(found.values()) == [False, True]
        assert org.insert("Contact", [{"LastName": "later", "AccountId": account}])[0].success

    def test_it_outlives_a_restart_and_goes_with_a_reset(self, org: Org, tmp_path: Path) -> None:
        org.close()
        again = Org.open(tmp_path)
        assert again.locks.contention.reckoning == Reckoning(hold_s=0.4, wait_s=0.1)
        again.reset()
        assert again.locks.contention.reckoning is None
        again.close()


def test_times_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="row locks"):
        Reckoning(lanes=0)
