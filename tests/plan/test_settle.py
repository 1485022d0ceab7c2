"""What one written batch teaches the base, and which rows may not be written because they moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sfsync.plan.model import CREATE, UPDATE, Cause, Changes
from sfsync.plan.settle import moved, settle
from sfsync.sides.side import CREATED, FAILED, MOVED, TEXT, UNKNOWN, UPDATED, Records
from tests.merge.cells import DIGEST, UNSEEN, mapping, records

SHAPE = mapping(one={}, two={})
bound = DIGEST.bound(SHAPE)


def made(
    rows: dict[str, tuple[list[Any], list[Any], list[int]]], *, kind: str = UPDATE, side: str = "salesforce"
) -> Changes:
    """Changes by key: before, after, cause."""
    frame = pd.DataFrame({"key": list(rows)}, dtype=TEXT).assign(
        side=side, kind=kind, lane="main", id="id", stamp=pd.NA
    )
    before, after, cause = ([r[i] for r in rows.values()] for i in range(3))
    columns = list(SHAPE.columns)
    return Changes(
        frame.astype(TEXT),
        pd.DataFrame(after, columns=columns).astype(TEXT),
        pd.DataFrame(before, columns=columns).astype(TEXT),
        np.array(cause, np.int8),
    )


def outcomes(**results: str) -> pd.DataFrame:
    """One outcome per key."""
    found = pd.DataFrame({"result": pd.Series(results, dtype=TEXT)})
    return found.assign(id="new-id", stamp="2026-03-02T10:00:00Z")


def digest(key: str, value: str | None, column: int = 0) -> int:
    """The digest of one value of one record."""
    frame = pd.DataFrame([[value] * 2], columns=list(SHAPE.columns), index=pd.Index([key], dtype=TEXT)).astype(TEXT)
    return int(bound(frame)[0, column])


def test_the_base_learns_what_was_sent_of_the_rows_that_arrived() -> None:
    changes = made({k: (["a", None], ["b", None], [Cause.TO_SALESFORCE, 0]) for k in ("OK", "NO", "GONE", "LOST")})
    found = settle(
        SHAPE,
        changes,
        outcomes(OK=UPDATED, NO=FAILED, GONE=MOVED, LOST=UNKNOWN),
        None,
        bound(changes.keyed(changes.after)),
        bound,
    )
    assert found.base.keys.tolist() == ["OK"]
    assert found.base.digests.tolist() == [[digest("OK", "b"), 0]], "an untouched cell stays as it was remembered"
    assert found.base.meta["id"].tolist() == ["new-id"]
    assert len(found.differences) == 0


def test_what_the_org_made_of_it_becomes_the_base_and_is_said() -> None:
    changes = made({"K": (["a", "x"], ["b", "y"], [Cause.TO_SALESFORCE, Cause.TO_SALESFORCE])})
    found = settle(
        SHAPE,
        changes,
        outcomes(K=UPDATED),
        records(SHAPE, {"K": ["B!", "y"]}),
        bound(changes.keyed(changes.after)),
        bound,
    )
    assert found.base.digests.tolist() == [[digest("K", "B!"), digest("K", "y", 1)]]
    [difference] = found.differences.to_dict("records")
    assert (difference["key"], difference["field"]) == ("K", "one")
    assert (difference["p"], difference["s"]) == (digest("K", "b"), digest("K", "B!"))


def test_a_cell_the_org_does_not_show_counts_as_sent() -> None:
    changes = made({"K": (["a", "x"], ["b", "y"], [Cause.TO_SALESFORCE, Cause.TO_SALESFORCE])})
    found = settle(
        SHAPE,
        changes,
        outcomes(K=UPDATED),
        records(SHAPE, {"K": [UNSEEN, "y"]}),
        bound(changes.keyed(changes.after)),
        bound,
    )
    assert found.base.digests.tolist() == [[digest("K", "b"), digest("K", "y", 1)]]


@pytest.mark.parametrize(("seen", "remembered"), [(None, True), ("given by the org", False)])
def test_two_nulls_of_a_new_record_are_agreed_unless_the_org_filled_one(seen: str | None, remembered: bool) -> None:
    changes = made({"K": ([None, None], ["b", None], [Cause.NEW, Cause.BOTH_NULL])}, kind=CREATE)
    found = settle(
        SHAPE,
        changes,
        outcomes(K=CREATED),
        records(SHAPE, {"K": ["b", seen]}),
        bound(changes.keyed(changes.after)),
        bound,
    )
    assert found.base.digests.tolist() == [[digest("K", "b"), digest("K", None, 1) if remembered else 0]]


def test_a_default_is_not_an_agreement() -> None:
    changes = made({"K": ([None, None], ["b", "New"], [Cause.NEW, Cause.DEFAULT])}, kind=CREATE, side="platform")
    found = settle(SHAPE, changes, outcomes(K=CREATED), None, bound(changes.keyed(changes.after)), bound)
    assert found.base.digests.tolist() == [[digest("K", "b"), 0]]
    assert found.base.meta["id"].isna().all(), "the platform's id is no Salesforce id"
    assert found.base.meta["platform_stamp"].notna().all()


BEFORE: tuple[list[Any], list[Any], list[int]] = (["a", "x"], ["b", "x"], [Cause.TO_SALESFORCE, 0])


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (records(SHAPE, {"K": ["a", "x"]}), False),
        (records(SHAPE, {"K": ["a", "other"]}), False),  # another field moved: not our business
        (records(SHAPE, {"K": ["c", "x"]}), True),
        (records(SHAPE, {"K": ["b", "x"]}), True),  # even to the value we wanted: the next plan will see it agree
        (records(SHAPE, {"K": [None, "x"]}), True),
        (records(SHAPE, {"K": [UNSEEN, "x"]}), False),
        (records(SHAPE, {"K": ["a", "x"]}, deleted=[True]), True),
        (records(SHAPE, {}), True),
    ],
)
def test_only_what_still_is_as_the_plan_saw_it_is_written(now: Records, expected: bool) -> None:
    assert moved(SHAPE, made({"K": BEFORE}), now).tolist() == [expected]


def test_a_new_record_and_a_link_of_a_cycle_have_no_before() -> None:
    nothing = records(SHAPE, {})
    assert moved(SHAPE, made({"K": BEFORE}, kind=CREATE), nothing).tolist() == [False]
    link = made({"K": ([None, None], ["L", None], [Cause.CYCLE, 0])})
    assert moved(SHAPE, link, records(SHAPE, {"K": ["anything", None]})).tolist() == [False]
