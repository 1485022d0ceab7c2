"""Intent before, outcome after."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from sfsync.errors import Defect
from sfsync.ledger import Ledger, base, conflicts, history, intents, issues
from sfsync.ledger.base import Base
from sfsync.ledger.digest import of_rows
from sfsync.ledger.tables import write_log
from sfsync.sides.side import TEXT

KEYS = pd.Index(["P-1", "P-2", "P-3"], dtype=TEXT, name="key")
COLUMNS = ["email", "phone"]
DIGESTS = np.array([[11, 12], [21, 22], [31, 32]], np.uint64)
TOUCHED = np.array([[True, True], [True, False], [False, True]])


def opened(ledger: Ledger, run: str = "r1", touched: np.ndarray = TOUCHED, digests: np.ndarray = DIGESTS) -> str:
    return intents.open(ledger, run, "player", "salesforce", "update", KEYS, COLUMNS, digests, touched)


def outcomes(*results: str, keys: pd.Index = KEYS, **columns: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({"result": list(results), **columns}, index=keys, dtype=TEXT)


def agreed(digests: np.ndarray = DIGESTS) -> Base:
    return Base.of(COLUMNS, KEYS, digests, salesforce_id=["A", "B", "C"])


def known(ledger: Ledger) -> list[list[int]]:
    found: list[list[int]] = base.read(ledger, "player", COLUMNS, KEYS).align(KEYS).digests.tolist()
    return found


def test_an_intent_says_what_was_meant_and_hides_what_was_not_touched(ledger: Ledger) -> None:
    intent_id = opened(ledger)
    intents.set_job(ledger, intent_id, "750x")
    (found,) = intents.open_intents(ledger, "player")
    assert (found.intent_id, found.run_id, found.side, found.kind) == (intent_id, "r1", "salesforce", "update")
    assert (found.job_id, found.state, found.columns) == ("750x", "open", tuple(COLUMNS))
    assert list(found.keys) == list(KEYS)
    assert found.digests.tolist() == [[11, 12], [21, 0], [0, 32]]
    assert found.touched.tolist() == TOUCHED.tolist()
    assert intents.open_intents(ledger, "shop") == [] and len(intents.open_intents(ledger)) == 1


def test_closing_writes_history_and_base_and_ends_the_intent(ledger: Ledger) -> None:
    intent_id = opened(ledger)
    assert intents.close(ledger, intent_id, outcomes("created", "updated", "updated"), base=agreed())
    assert intents.open_intents(ledger) == []
    assert known(ledger) == DIGESTS.tolist()
    assert base.ids_of(ledger, "player", KEYS).to_dict() == {"P-1": "A", "P-2": "B", "P-3": "C"}
    assert history.counts(ledger, "r1") == {
        ("player", "salesforce", "created"): 1,
        ("player", "salesforce", "updated"): 2,
    }
    assert [w["fields"] for k in KEYS for w in history.of_record(ledger, "player", k)] == [
        "email,phone",
        "email",
        "phone",
    ]


def test_refused_rows_fail_and_the_base_does_not_learn_them(ledger: Ledger) -> None:
    refused = outcomes(
        "updated",
        "failed",
        "failed",
        code=[None, "STRING_TOO_LONG", "UNABLE_TO_LOCK_ROW"],
        kind_of_failure=[None, "data", "lock"],
        fields=[None, "PersonEmail", None],
        reason=[None, "the value is too long", "another process holds the parent"],
    )
    assert intents.close(ledger, opened(ledger), refused, base=agreed())
    assert known(ledger) == [[11, 12], [0, 0], [0, 0]]
    found = issues.failures(ledger).set_index("key")
    assert found["code"].to_dict() == {"P-2": "STRING_TOO_LONG", "P-3": "UNABLE_TO_LOCK_ROW"}
    assert found["failure_class"].to_dict() == {"P-2": "data", "P-3": "lock"}
    assert found.loc["P-2", "fields"] == "PersonEmail"
    assert found.loc["P-2", "digest"] == of_rows(np.where(TOUCHED, DIGESTS, 0)[1:2].astype(np.uint64))[0]
    assert history.of_record(ledger, "player", "P-2")[0]["code"] == "STRING_TOO_LONG"


def test_a_second_refusal_counts_and_a_write_clears(ledger: Ledger) -> None:
    for run in ("r1", "r2"):
        intents.close(ledger, opened(ledger, run), outcomes("failed", "updated", "updated", code=["X", None, None]))
    row = issues.failures(ledger).iloc[0]
    assert (row["attempts"], row["run_id"], row["key"]) == (2, "r2", "P-1")
    assert row["first_at"] < row["last_at"]
    intents.close(ledger, opened(ledger, "r3"), outcomes("updated", "updated", "updated"), base=agreed())
    assert issues.failures(ledger).empty


def test_the_refusal_of_one_lane_outlives_the_write_of_another(ledger: Ledger) -> None:
    only_email = np.array([[True, False]] * 3)
    only_phone = ~only_email
    intents.close(ledger, opened(ledger, "r1", only_email), outcomes("failed", "failed", "failed"))
    intents.close(ledger, opened(ledger, "r1", only_phone), outcomes("updated", "updated", "updated"))
    assert list(issues.failures(ledger)["key"]) == list(KEYS)
    intents.close(ledger, opened(ledger, "r2", only_email), outcomes("updated", "updated", "failed"))
    assert list(issues.failures(ledger)["key"]) == ["P-3"]


def test_a_failure_on_the_other_side_is_another_failure(ledger: Ledger) -> None:
    intents.close(ledger, opened(ledger), outcomes("failed", "failed", "failed"))
    other = intents.open(ledger, "r2", "player", "platform", "update", KEYS, COLUMNS, DIGESTS, TOUCHED)
    intents.close(ledger, other, outcomes("updated", "updated", "updated"))
    assert len(issues.failures(ledger)) == 3


def test_an_unknown_row_stays_in_the_intent_until_it_is_known(ledger: Ledger) -> None:
    intent_id = opened(ledger)
    assert not intents.close(ledger, intent_id, outcomes("updated", "unknown", "updated"), base=agreed())
    (left,) = intents.open_intents(ledger)
    assert list(left.keys) == ["P-2"] and left.digests.tolist() == [[21, 0]]
    assert known(ledger) == [[11, 12], [0, 0], [31, 32]]
    assert intents.close(ledger, intent_id, outcomes("updated", keys=KEYS[1:2]), base=agreed())
    assert intents.open_intents(ledger) == [] and known(ledger) == DIGESTS.tolist()


def test_a_batch_may_be_closed_in_parts(ledger: Ledger) -> None:
    intent_id = opened(ledger)
    assert not intents.close(ledger, intent_id, outcomes("updated", keys=KEYS[:1]), base=agreed())
    assert known(ledger) == [[11, 12], [0, 0], [0, 0]]
    assert intents.close(ledger, intent_id, outcomes("updated", "updated", keys=KEYS[1:]), base=agreed())
    assert known(ledger) == DIGESTS.tolist()


def test_moved_and_unknown_rows_stay_in_sight(ledger: Ledger) -> None:
    intents.close(ledger, opened(ledger), outcomes("updated", "moved", "unknown", code=[None, "BUDGET", None]))
    found = issues.holds(ledger).set_index("key")
    assert found["reason"].to_dict() == {"P-2": "BUDGET", "P-3": "UNKNOWN"}
    intents.close(ledger, opened(ledger, "r2"), outcomes("updated", "updated", "updated"))
    assert issues.holds(ledger).empty


def test_what_this_run_held_outlives_another_lanes_write(ledger: Ledger) -> None:
    issues.put_holds(ledger, "r1", "player", [], pd.DataFrame({"reason": "MOVED"}, index=KEYS[:1]))
    intents.close(ledger, opened(ledger, "r1"), outcomes("updated", "updated", "updated"))
    assert list(issues.holds(ledger)["key"]) == ["P-1"]


def test_closing_twice_changes_nothing(ledger: Ledger) -> None:
    intent_id = opened(ledger)
    intents.close(ledger, intent_id, outcomes("updated", "updated", "updated"), base=agreed())
    before = base.generation(ledger, "player")
    assert intents.close(ledger, intent_id, outcomes("failed", "failed", "failed"), base=agreed(DIGESTS + np.uint64(1)))
    assert issues.failures(ledger).empty and known(ledger) == DIGESTS.tolist()
    assert base.generation(ledger, "player") == before
    assert sum(history.counts(ledger, "r1").values()) == 3


def test_outcomes_of_foreign_rows_and_second_outcomes_are_ignored(ledger: Ledger) -> None:
    keys = pd.Index(["P-1", "P-2", "P-3", "P-9", "P-1"], dtype=TEXT)
    done = intents.close(
        ledger, opened(ledger), outcomes("failed", "updated", "updated", "updated", "updated", keys=keys)
    )
    assert done
    assert sum(history.counts(ledger, "r1").values()) == 3
    assert issues.failures(ledger).empty


def test_voided_intents_leave_no_trace_in_the_base(ledger: Ledger) -> None:
    intent_id = opened(ledger)
    intents.void(ledger, intent_id)
    assert intents.open_intents(ledger) == [] and known(ledger) == [[0, 0]] * 3
    assert intents.close(ledger, intent_id, outcomes("updated", "updated", "updated"), base=agreed())
    assert known(ledger) == [[0, 0]] * 3


def test_touched_cells_of_open_intents_in_the_order_asked(ledger: Ledger) -> None:
    opened(ledger)
    cells = intents.touched_cells(ledger, "player", ["new", "phone", "email"], pd.Index(["P-3", "P-0", "P-1"]))
    assert cells.tolist() == [[False, True, False], [False, False, False], [False, True, True]]


def test_a_write_ends_the_conflicts_of_its_cells_only(ledger: Ledger) -> None:
    found = pd.DataFrame({"key": ["P-1", "P-2", "P-2"], "field": ["email", "email", "phone"]}).assign(
        platform_digest=np.uint64(3), salesforce_digest=np.uint64(4), platform_stamp=None, salesforce_stamp=None
    )
    conflicts.meet(ledger, "r1", "player", [], found)
    intents.close(ledger, opened(ledger), outcomes("failed", "updated", "updated"))
    left = conflicts.conflicts(ledger)
    assert set(zip(left["key"], left["field"], strict=True)) == {("P-1", "email"), ("P-2", "phone")}


def test_promises_that_were_broken_are_defects(ledger: Ledger) -> None:
    with pytest.raises(Defect, match="never opened"):
        intents.close(ledger, "r1.nothing", outcomes("updated", "updated", "updated"))
    with pytest.raises(Defect, match="do not fit"):
        intents.open(ledger, "r1", "player", "salesforce", "update", KEYS, COLUMNS, DIGESTS[:2], TOUCHED)


def test_an_error_inside_close_leaves_nothing(ledger: Ledger) -> None:
    intent_id = opened(ledger)
    with pytest.raises(KeyError):
        intents.close(ledger, intent_id, pd.DataFrame({"oops": ["updated"] * 3}, index=KEYS), base=agreed())
    broken = Base(tuple(COLUMNS), DIGESTS, agreed().rows.assign(state=pd.NA))  # violates NOT NULL
    with pytest.raises(sa.exc.IntegrityError):
        intents.close(ledger, intent_id, outcomes("updated", "updated", "updated"), base=broken)
    assert known(ledger) == [[0, 0]] * 3 and len(intents.open_intents(ledger)) == 1
    with ledger.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(write_log)) == 0
