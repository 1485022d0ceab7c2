"""The audit trail cannot be changed unnoticed."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
import sqlalchemy as sa

from sfsync.ledger import Ledger, audit
from sfsync.ledger.tables import audit as table


@pytest.fixture
def trail(ledger: Ledger) -> Ledger:
    for number in range(1, 6):
        audit.append(ledger, "run.begin", {"n": number, "è": "ù"}, run_id=f"r{number}", actor="anna")
    return ledger


def codes(ledger: Ledger) -> list[tuple[str, str]]:
    return [(f.code, f.where) for f in audit.verify(ledger).findings]


def change(ledger: Ledger, seq: int, **values: object) -> None:
    with ledger.writing() as connection:
        connection.execute(table.update().where(table.c.seq == seq).values(**values))


def test_an_untouched_trail_is_sound(trail: Ledger) -> None:
    found = audit.verify(trail)
    assert (found.lines, found.findings) == (5, [])
    lines = audit.lines(trail)
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5]
    assert lines[2]["details"] == {"n": 3, "è": "ù"} and lines[2]["actor"] == "anna" and lines[2]["run_id"] == "r3"
    assert [line["seq"] for line in audit.lines(trail, after=3, limit=1)] == [4]


def test_an_empty_trail_is_sound(ledger: Ledger) -> None:
    assert audit.verify(ledger) == audit.Verified(0, [])


@pytest.mark.parametrize(
    "values",
    [
        {"actor": "bruno"},
        {"details": '{"n":4}'},
        {"at": "2020-01-01T00:00:00.000000Z"},
        {"action": "nothing"},
        {"run_id": None},
        {"hash": "0" * 64},
    ],
)
def test_a_changed_line_is_found(trail: Ledger, values: dict[str, object]) -> None:
    change(trail, 3, **values)
    assert ("AUDIT_CHANGED", "line 3") in codes(trail)


def test_a_changed_line_with_a_new_hash_is_found_without_the_key(trail: Ledger) -> None:
    """Whoever rebuilds the chain with plain hashes, or another key, does not close it."""
    with trail.writing() as connection:
        prev = ""
        for row in connection.execute(sa.select(table).order_by(table.c.seq)).mappings().all():
            line = {**row, "prev_hash": prev or row["prev_hash"], "actor": "bruno"}
            body = json.dumps({k: v for k, v in line.items() if k != "hash"}, sort_keys=True)
            prev = hmac.new(b"guess", body.encode(), sha256).hexdigest()
            values = {"actor": "bruno", "prev_hash": line["prev_hash"], "hash": prev}
            connection.execute(table.update().where(table.c.seq == row["seq"]).values(**values))
    assert {c for c, _ in codes(trail)} >= {"AUDIT_CHANGED"} and audit.verify(trail).lines == 0


def test_a_missing_line_is_found(trail: Ledger) -> None:
    with trail.writing() as connection:
        connection.execute(table.delete().where(table.c.seq == 3))
    assert ("AUDIT_GAP", "line 4") in codes(trail)


def test_lines_cut_from_the_end_are_found(trail: Ledger) -> None:
    with trail.writing() as connection:
        connection.execute(table.delete().where(table.c.seq > 3))
    assert [c for c, _ in codes(trail)] == ["AUDIT_CUT"]
    audit.append(trail, "run.begin", {}, actor="anna")
    audit.append(trail, "run.begin", {}, actor="anna")  # the same number again, another line


def test_an_emptied_trail_is_found(trail: Ledger) -> None:
    with trail.writing() as connection:
        connection.execute(table.delete())
    assert [c for c, _ in codes(trail)] == ["AUDIT_CUT"]


def test_many_writers_make_one_chain(reopen: Callable[..., Ledger]) -> None:
    ledgers = [reopen() for _ in range(4)]

    def work(one: Ledger) -> None:
        for _ in range(10):
            audit.append(one, "run.begin", {}, actor="cron")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, ledgers))
    assert audit.verify(ledgers[0]) == audit.Verified(40, [])


def test_details_have_one_spelling_and_no_nan() -> None:
    assert audit.canonical({"b": 1, "a": [1, None]}) == '{"a":[1,null],"b":1}'
    with pytest.raises(ValueError, match="JSON"):
        audit.canonical({"x": float("nan")})
