"""What happened to which record: found by mark, counted once under the worst."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sfsync.ledger import Ledger, database, history, marks, tally
from sfsync.ledger.tables import meta, write_log

SECRET = b"s" * 32
ABOUT = {"run_id": "r1", "mapping": "player", "side": "salesforce", "kind": "update", "at": "2026-11-22T10:00:00Z"}


def add(
    ledger: Ledger, keys: list[str], results: list[str], codes: list[str | None] | None = None, **about: str
) -> None:
    count = len(keys)
    fields = pa.array(["email,phone"] * count).dictionary_encode()
    with ledger.writing() as connection:
        arrays = pa.array(keys), pa.array(results), pa.array(codes or [None] * count, pa.string()), fields
        history.add_in(connection, ledger, ABOUT | about, *arrays)


def test_a_record_is_found_in_the_batches_that_hold_it_newest_first(ledger: Ledger) -> None:
    add(ledger, ["P-1", "P-2", "Ω"], ["created", "failed", "updated"], [None, "TOO_LONG", None])
    add(ledger, ["P-2", "P-3"], ["updated", "updated"], run_id="r2", at="2026-11-22T11:00:00Z")
    add(ledger, ["P-2"], ["deleted"], mapping="shop")
    found = history.of_record(ledger, "player", "P-2")
    assert [(w["run_id"], w["at"][11:13], w["result"], w["code"], w["fields"]) for w in found] == [
        ("r2", "11", "updated", None, "email,phone"),
        ("r1", "10", "failed", "TOO_LONG", "email,phone"),
    ]
    assert [w["result"] for w in history.of_record(ledger, "player", "Ω")] == ["updated"]
    assert history.of_record(ledger, "player", "P-2", limit=1) == found[:1]
    assert history.of_record(ledger, "player", "P-4") == []


def test_everything_of_a_run_in_order(ledger: Ledger) -> None:
    add(ledger, ["P-2", "P-1"], ["created", "created"])
    add(ledger, ["S-1"], ["updated"], mapping="shop")
    add(ledger, ["P-3"], ["updated"], run_id="r2")
    found = [(w["mapping"], w["key"], w["result"]) for w in history.of_run(ledger, "r1")]
    assert found == [("player", "P-2", "created"), ("player", "P-1", "created"), ("shop", "S-1", "updated")]
    assert history.counts(ledger, "r1") == {
        ("player", "salesforce", "created"): 2,
        ("shop", "salesforce", "updated"): 1,
    }


def test_what_a_run_really_wrote(ledger: Ledger) -> None:
    add(ledger, ["P-1", "P-2", "P-3"], ["created", "failed", "moved"])
    add(ledger, ["P-1", "P-4"], ["updated", "deleted"])
    add(ledger, ["P-5"], ["updated"], side="platform")
    found = history.written(ledger, "r1", "player")
    assert sorted(map(tuple, found.to_numpy())) == [
        ("platform", "P-5"),
        ("salesforce", "P-1"),
        ("salesforce", "P-4"),
    ]
    assert history.written(ledger, "r1", "shop").empty


def test_what_was_not_written_is_noted_by_side_and_kind(ledger: Ledger) -> None:
    rows = pd.DataFrame(
        {
            "key": ["P-1", "P-2", "P-1"],
            "side": ["salesforce", "platform", "platform"],
            "kind": "none",
            "result": ["held", "failed", "held"],
            "code": ["PARENT", None, "UNDONE"],
        }
    )
    history.log(ledger, "r1", "player", rows)
    found = history.of_record(ledger, "player", "P-1")
    assert {(w["side"], w["code"], w["fields"]) for w in found} == {
        ("salesforce", "PARENT", ""),
        ("platform", "UNDONE", ""),
    }
    history.log(ledger, "r1", "player", rows.iloc[:0])
    assert tally.of_run(ledger, "r1").waiting


def test_every_record_counts_once_under_the_worst_that_happened_to_it(ledger: Ledger) -> None:
    add(ledger, ["P-1", "P-2", "P-3", "P-4"], ["updated", "created", "updated", "updated"])
    add(ledger, ["P-1", "P-2", "P-3"], ["failed", "updated", "updated"])
    add(ledger, ["P-1"], ["updated"])
    add(ledger, ["P-9"], ["updated"], kind=tally.ADOPT)
    add(ledger, ["P-3"], ["conflict"], side="platform")
    counts = tally.of_run(ledger, "r1")
    assert counts.sides == {("player", "salesforce"): Counter(created=1, updated=2, failed=1)}
    assert counts.conflicts == Counter(player=1) and not counts.waiting


@pytest.mark.parametrize("at_once", [1 << 20, 100])
def test_counting_in_pieces_gives_the_same(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(marks, "AT_ONCE", at_once)
    dice = random.Random(5)
    batches, worst = [], dict[str, int]()
    for _ in range(20):
        keys = [f"P-{i}" for i in dice.sample(range(300), 60)]
        ranks = [dice.randint(0, 6) for _ in keys]
        batches.append(marks.of(SECRET, pa.array(keys), np.array(ranks, np.uint64)))
        worst |= {k: max(r, worst.get(k, 0)) for k, r in zip(keys, ranks, strict=True)}
    found = marks.worst(lambda: iter(batches), 20 * 60)
    assert found.tolist() == [Counter(worst.values())[rank] for rank in range(8)]
    assert marks.worst(lambda: iter(()), 0).tolist() == [0] * 8


def test_only_marks_of_one_rank_are_counted_if_one_is_asked_for(ledger: Ledger) -> None:
    add(ledger, ["P-1", "P-2"], ["updated", "created"])
    add(ledger, ["P-1", "P-2"], ["failed", "updated"])
    with ledger.reading() as connection:
        found = history.worst(connection, write_log.c.run_id == "r1", only="updated")
    assert sum(found.values()) == 2


def test_a_mark_says_nothing_without_the_key_of_the_ledger() -> None:
    ranks = np.zeros(1, np.uint64)
    assert marks.of(SECRET, pa.array(["P-1"]), ranks) != marks.of(b"t" * 32, pa.array(["P-1"]), ranks)
    body = marks.of(SECRET, pa.array([f"P-{i}" for i in range(1_000)]), np.arange(1_000, dtype=np.uint64) % 7)
    assert all(marks.holds(body, marks.of_key(SECRET, f"P-{i}")) for i in range(1_000))
    assert not any(marks.holds(body, marks.of_key(SECRET, f"Q-{i}")) for i in range(1_000))
    assert not marks.holds(b"", marks.of_key(SECRET, "P-1"))


def test_rows_that_are_known_and_rows_that_are_new_go_in_together(ledger: Ledger) -> None:
    rows = {"name": [f"n{i}" for i in range(database.ROWS * 2 + 7)]}
    with ledger.writing() as connection:
        first = database.upsert(connection, meta, {n: c[:60] for n, c in rows.items()} | {"value": ["old"] * 60})
        count = len(rows["name"])
        second = database.upsert(connection, meta, rows | {"value": ["new"] * count}, update={})
        third = database.upsert(connection, meta, rows | {"value": ["new"] * count})
    assert (first, second, third) == (60, count - 60, count)
