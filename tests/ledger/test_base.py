"""What both sides last agreed on."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from sfsync.errors import LedgerError
from sfsync.ledger import Ledger, base
from sfsync.ledger.base import Base
from sfsync.ledger.tables import base as table

TOP = np.uint64(2**64 - 1)


def cells(*rows: list[int]) -> np.ndarray:
    return np.array(rows, np.uint64)


def read(ledger: Ledger, columns: list[str], *keys: str) -> list[list[int]]:
    found: list[list[int]] = base.read(ledger, "player", columns, keys).align(pd.Index(keys)).digests.tolist()
    return found


def test_round_trip_with_the_largest_digest_and_strange_keys(ledger: Ledger) -> None:
    keys = ["P-1", "p-1", "Ω'\"; DROP TABLE base;--", "a b", "%_", "\\", "[1]", "É"]
    digests = np.arange(2, 2 + 3 * len(keys), dtype=np.uint64).reshape(-1, 3)
    digests[0, 0] = TOP
    base.advance(ledger, "player", Base.of(["a", "b", "c"], pd.Index(keys), digests, salesforce_id=list("12345678")))
    found = base.read(ledger, "player", ["a", "b", "c"], reversed(keys))
    assert list(found.keys) == keys[::-1]
    assert found.digests.tolist() == digests[::-1].tolist()
    assert found.digests.dtype == np.uint64
    assert found.ids.to_dict() == dict(zip(keys, "12345678", strict=True))
    assert set(found.state) == {"synced"}
    assert found.platform_stamp.isna().all()


def test_only_the_keys_asked_for_of_only_this_mapping(ledger: Ledger) -> None:
    for name, value in (("player", 5), ("shop", 6)):
        base.advance(ledger, name, Base.of(["a"], pd.Index(["1", "2"]), cells([value], [value])))
    found = base.read(ledger, "player", ["a"], ["2", "3", "2"])
    assert list(found.keys) == ["2"] and found.digests.tolist() == [[5]]
    aligned = found.align(pd.Index(["3", "2"]))
    assert aligned.digests.tolist() == [[0], [5]]
    assert aligned.state.isna().tolist() == [True, False]
    assert base.count(ledger, "player") == 2


def test_a_mapping_may_gain_lose_and_reorder_fields(ledger: Ledger) -> None:
    base.advance(ledger, "player", Base.of(["a", "b"], pd.Index(["old"]), cells([10, 20])))
    base.advance(ledger, "player", Base.of(["c", "a"], pd.Index(["new"]), cells([30, 40])))
    assert read(ledger, ["b", "c", "a"], "old", "new") == [[20, 0, 10], [0, 30, 40]]


def test_a_cell_of_zero_leaves_the_cell_as_it_was(ledger: Ledger) -> None:
    of = Base.of(["a", "b"], pd.Index(["1"]), cells([10, 20]), salesforce_id=["001"], salesforce_stamp=["2026-11-22"])
    base.advance(ledger, "player", of)
    base.advance(ledger, "player", Base.of(["b", "a", "c"], pd.Index(["1", "2"]), cells([0, 11, 12], [7, 0, 0])))
    assert read(ledger, ["a", "b", "c"], "1", "2") == [[11, 20, 12], [0, 7, 0]]
    row = base.read(ledger, "player", [], ["1"]).rows.loc["1"]
    assert (row["salesforce_id"], row["salesforce_stamp"]) == ("001", "2026-11-22")


def test_the_last_of_equal_keys_wins(ledger: Ledger) -> None:
    base.advance(ledger, "player", Base.of(["a"], pd.Index(["1", "1"]), cells([5], [6])))
    assert read(ledger, ["a"], "1") == [[6]]


def test_columns_are_taken_by_position_not_by_label(ledger: Ledger) -> None:
    ids = pd.Series(["x", "y"], index=["1", "0"])
    known = Base.of(["a"], pd.Index(["0", "1"]), cells([5], [6]), salesforce_id=ids)
    assert known.ids.to_dict() == {"0": "x", "1": "y"}


def test_state_and_survivor(ledger: Ledger) -> None:
    base.advance(ledger, "player", Base.of(["a"], pd.Index(["1", "2"]), cells([5], [6]), salesforce_id=["A", "B"]))
    merged = Base.of(["a"], pd.Index(["1"]), cells([0]), state="merged", survivor=["B"])
    base.advance(ledger, "player", merged)
    row = base.read(ledger, "player", ["a"], ["1"]).rows.loc["1"]
    assert (row["state"], row["survivor"], row["salesforce_id"]) == ("merged", "B", "A")
    assert base.count(ledger, "player") == 2, "a merged record is known like any other"


def test_known_since_is_sorted_and_forgets_nothing_at_the_edge(ledger: Ledger) -> None:
    stamps = ["2026-11-22T10:00:00.000Z", "2026-11-22T09:59:59.000Z", "2026-11-22T10:00:00Z", None]
    rows = Base.of(["a"], pd.Index(list("1234")), cells([5], [5], [5], [5]), salesforce_id=list("DCBA"),
                   salesforce_stamp=stamps)  # fmt: skip
    base.advance(ledger, "player", rows)
    expected = [("2026-11-22T10:00:00.000Z", "D"), ("2026-11-22T10:00:00Z", "B")]
    assert base.known_since(ledger, "player", datetime(2026, 11, 22, 10, tzinfo=UTC)) == expected
    assert base.known_since(ledger, "player", "2026-11-22T10:00:00Z") == expected


def test_forgotten_records_meet_again_for_the_first_time(ledger: Ledger) -> None:
    base.advance(ledger, "player", Base.of(["a"], pd.Index(["1", "2"]), cells([5], [6])))
    before = base.generation(ledger, "player")
    base.forget(ledger, "player", ["1", "7"])
    assert read(ledger, ["a"], "1", "2") == [[0], [6]]
    assert base.generation(ledger, "player") == before + 1


def test_every_advance_moves_the_generation_of_its_mapping_only(ledger: Ledger) -> None:
    assert base.generation(ledger, "player") == 0
    for _ in range(3):
        base.advance(ledger, "player", Base.of(["a"], pd.Index(["1"]), cells([5])))
    base.advance(ledger, "player", Base.of(["a"], pd.Index([]), np.zeros((0, 1), np.uint64)))
    assert base.generation(ledger, "player") == 3
    assert base.generation(ledger, "shop") == 0


def test_many_records_in_pieces(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfsync.ledger.database.CHUNK", 1_000)
    keys = pd.Index([f"P-{i:06}" for i in np.random.default_rng(1).permutation(5_500)])
    digests = np.random.default_rng(2).integers(2, 2**63, (len(keys), 12), dtype=np.uint64)
    columns = [f"f{i}" for i in range(12)]
    base.advance(ledger, "player", Base.of(columns, keys, digests, salesforce_id=keys))
    found = base.read(ledger, "player", columns, keys)
    assert (found.digests == digests).all() and (found.keys == keys).all()
    pieces = list(base.read_all(ledger, "player", columns))
    assert len(pieces) == 6 and sum(map(len, pieces)) == len(keys)
    together = pd.Index(np.concatenate([p.keys for p in pieces]))
    assert together.is_monotonic_increasing and set(together) == set(keys)


def test_a_blob_that_does_not_fit_is_damage_not_a_wrong_answer(ledger: Ledger) -> None:
    base.advance(ledger, "player", Base.of(["a", "b"], pd.Index(["1"]), cells([5, 6])))
    with ledger.writing() as connection:
        connection.execute(sa.update(table).values(digests=b"\x05" * 8))
    with pytest.raises(LedgerError, match="do not fit"):
        base.read(ledger, "player", ["a"], ["1"])


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="n x f"):
        Base.of(["a"], pd.Index(["1"]), cells([1, 2]))
