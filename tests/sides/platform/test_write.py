"""What the platform side writes: touched cells only, one outcome per row, and a bad row never takes others along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sfsync.errors import Defect, DriftError, Unreachable
from sfsync.mapping.model import Mapping
from sfsync.sides.platform import PlatformSide
from sfsync.sides.side import TEXT, Write
from tests.sides.platform.conftest import LOOSE, Gate, ask, loose_mapping, run

Open = Callable[[str], PlatformSide]
STRICT = "ALTER TABLE loose ADD PRIMARY KEY (code)"
KEYED_SQLITE = "CREATE UNIQUE INDEX loose_code ON loose (code)"
PRIVATE = "Segreto-4711"


def make(kind: str, rows: dict[str, dict[str, Any]], ids: Sequence[Any] | None = None) -> Write:
    """A write of canonical values; a cell that is not named is not touched."""
    index = pd.Index(pd.array(list(rows), dtype=TEXT), name="key")
    names = list(dict.fromkeys(n for r in rows.values() for n in r))
    values = pd.DataFrame({n: pd.array([r.get(n) for r in rows.values()], dtype=TEXT) for n in names}, index=index)
    touched = np.array([[n in r for n in names] for r in rows.values()]).reshape(len(rows), len(names))
    return Write(kind, index, pd.Series(pd.array(ids or [None] * len(rows), dtype=TEXT), index=index), values, touched)


def send(side: PlatformSide, write: Write, mapping: Mapping = LOOSE) -> pd.DataFrame:
    return pd.concat([o.rows for o in side.write(mapping, write)])


@pytest.fixture
def url(loose_url: str) -> str:
    """The loose table with a unique key and three rows."""
    run(
        loose_url,
        KEYED_SQLITE if "sqlite" in loose_url else STRICT,
        "INSERT INTO loose (code, name, points, updated_at) VALUES"
        " ('K1', 'a', 1, '2026-11-01 10:00:00'), ('K2', 'b', 2, '2026-11-01 10:00:00'), ('K3', 'c', 3, NULL)",
    )
    return loose_url


@pytest.fixture
def postgres(loose_postgres: str) -> str:
    """The same on PostgreSQL alone."""
    run(
        loose_postgres,
        STRICT,
        "INSERT INTO loose (code, name, points, updated_at) VALUES"
        " ('K1', 'a', 1, '2026-11-01 10:00:00'), ('K2', 'b', 2, '2026-11-01 10:00:00'), ('K3', 'c', 3, NULL)",
    )
    return loose_postgres


def test_every_type_is_written_as_the_platform_keeps_it(url: str, open_side: Open) -> None:
    row = {"name": "x", "flag": "true", "points": "-5", "born": "2000-02-29", "seen": "2026-10-25T01:30:00Z"}
    send(open_side(url), make("create", {"K9": row}))
    found = ask(url, "SELECT name, flag, points, CAST(born AS TEXT), CAST(seen AS TEXT) FROM loose WHERE code = 'K9'")
    assert found == [("x", True, -5, "2000-02-29", "2026-10-25 01:30:00")]


def test_only_touched_columns_change(url: str, open_side: Open) -> None:
    send(
        open_side(url),
        make("update", {"K1": {"name": "z"}, "K2": {"points": None}, "K3": {"name": None, "points": "9"}}),
    )
    found = ask(url, "SELECT code, name, points FROM loose ORDER BY code")
    assert found == [("K1", "z", 1), ("K2", "b", None), ("K3", None, 9)]


def test_the_stamp_moves_and_is_told(url: str, open_side: Open) -> None:
    outcomes = send(open_side(url), make("update", {"K1": {"name": "z"}, "K3": {"name": "z"}}))
    found = open_side(url).fetch(LOOSE, outcomes.index)
    assert found.meta["stamp"].tolist() == outcomes["stamp"].tolist()
    assert (outcomes["stamp"] > "2026-11-02").all()
    assert ask(url, "SELECT CAST(updated_at AS TEXT) FROM loose WHERE code = 'K2'")[0][0].startswith("2026-11-01 10:00")


def test_a_stamp_from_the_future_still_moves_on(url: str, open_side: Open) -> None:
    run(url, "UPDATE loose SET updated_at = '2099-01-01 00:00:00.5'")
    outcomes = send(open_side(url), make("update", {"K1": {"name": "z"}}))
    assert outcomes["stamp"].tolist() == ["2099-01-01T00:00:00.500001Z"]


def test_a_stamp_of_whole_seconds_moves_by_a_second(postgres: str, open_side: Open) -> None:
    run(postgres, "ALTER TABLE loose ALTER updated_at TYPE timestamp(0)", "UPDATE loose SET updated_at = '2099-01-01'")
    side = open_side(postgres)
    stamps = [send(side, make("update", {"K1": {"name": n}}))["stamp"].iloc[0] for n in "xyz"]
    assert stamps == [f"2099-01-01T00:00:0{i}.000000Z" for i in (1, 2, 3)]


def test_a_row_without_a_touched_cell_is_left_as_it_is(url: str, open_side: Open) -> None:
    before = ask(url, "SELECT * FROM loose WHERE code = 'K2'")
    outcomes = send(open_side(url), make("update", {"K1": {"name": "z"}, "K2": {}}))
    assert outcomes["result"].tolist() == ["updated", "updated"]
    assert ask(url, "SELECT * FROM loose WHERE code = 'K2'") == before


def test_a_vanished_row_is_not_recreated(url: str, open_side: Open) -> None:
    outcomes = send(open_side(url), make("update", {"K1": {"name": "z"}, "K8": {"name": "z"}}))
    assert outcomes["result"].tolist() == ["updated", "moved"]
    assert outcomes.loc["K8", "code"] == "ROW_GONE"
    assert ask(url, "SELECT count(*) FROM loose") == [(3,)]


def test_a_batch_of_vanished_rows(url: str, open_side: Open) -> None:
    outcomes = send(open_side(url), make("update", {"K8": {"name": "z"}, "K9": {"name": "z"}}))
    assert outcomes["result"].tolist() == ["moved", "moved"]


def test_the_own_id_names_the_row(loose_url: str, open_side: Open) -> None:
    run(loose_url, "INSERT INTO loose (code, name) VALUES (' K1', 'a')")
    outcomes = send(open_side(loose_url), make("update", {"K1": {"name": "z"}}, [" K1"]))
    assert outcomes["result"].tolist() == ["updated"]
    assert ask(loose_url, "SELECT code, name FROM loose") == [(" K1", "z")]


def test_bad_rows_fail_alone_in_a_large_batch(url: str, open_side: Open) -> None:
    _check(url, "points < 100000")
    bad = {3, 4, 1_000, 2_047, 4_999, 5_000}
    rows = {f"N{i:05d}": {"name": PRIVATE, "points": "123456" if i in bad else str(i)} for i in range(5_200)}
    outcomes = send(open_side(url), make("create", rows))
    failed = outcomes[outcomes["result"] == "failed"]
    assert failed.index.tolist() == [f"N{i:05d}" for i in sorted(bad)]
    assert set(failed["code"]) == {"CHECK"}
    assert (outcomes["result"] == "created").sum() == 5_194
    assert ask(url, "SELECT count(*) FROM loose WHERE code LIKE 'N%%'") == [(5_194,)]


def _check(url: str, rule: str) -> None:
    """A check constraint; SQLite cannot add one, but a trigger refuses as well and with the same result."""
    if "sqlite" not in url:
        run(url, f"ALTER TABLE loose ADD CONSTRAINT rule CHECK ({rule})")
        return
    run(
        url,
        "DROP TABLE loose",
        "CREATE TABLE loose (code VARCHAR(32) PRIMARY KEY, name TEXT, flag BOOLEAN, points INTEGER, born DATE,"
        f" seen TIMESTAMP, consent BOOLEAN, consent_at TIMESTAMP, updated_at TIMESTAMP, CHECK ({rule}))",
    )


def test_refusals_of_sqlite(sqlite_url: str, open_side: Open) -> None:
    run(
        sqlite_url,
        "CREATE TABLE parents (code TEXT PRIMARY KEY)",
        "CREATE TABLE loose (code VARCHAR(32) PRIMARY KEY, name TEXT UNIQUE, flag BOOLEAN, points INTEGER NOT NULL,"
        " born TEXT REFERENCES parents(code), seen TIMESTAMP, consent BOOLEAN, consent_at TIMESTAMP,"
        " updated_at TIMESTAMP)",
        "INSERT INTO loose (code, name, points) VALUES ('K1', 'Segreto-4711', 1), ('K2', 'b', 1), ('K3', 'c', 1)",
        "CREATE TRIGGER rule BEFORE UPDATE OF points ON loose WHEN new.points > 9 BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    rows = {"K2": {"name": PRIVATE}, "K3": {"points": None}, "K1": {"born": "2026-01-01"}}
    outcomes = send(open_side(sqlite_url), make("update", rows))
    assert outcomes["code"].to_dict() == {"K2": "UNIQUE", "K3": "NOT_NULL", "K1": "FOREIGN_KEY"}
    assert outcomes["fields"].to_dict() == {"K2": "name", "K3": "points", "K1": ""}
    assert outcomes["kind_of_failure"].to_dict() == {"K2": "data", "K3": "data", "K1": "parent"}
    assert PRIVATE not in outcomes.to_csv()
    assert send(open_side(sqlite_url), make("update", {"K1": {"points": "10"}}))["code"].tolist() == ["TRIGGER"]


def test_refusals_of_postgresql(postgres: str, open_side: Open) -> None:
    run(
        postgres,
        "CREATE TABLE parents (born date PRIMARY KEY)",
        "ALTER TABLE loose ALTER name TYPE varchar(20), ADD UNIQUE (name), ALTER points SET NOT NULL,"
        " ADD FOREIGN KEY (born) REFERENCES parents (born), ADD CHECK (points < 100), ALTER points TYPE smallint",
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION ''no %', new.name; END'".replace("''no %'", "''no %%''"),
        "CREATE TRIGGER rule BEFORE UPDATE OF seen ON loose FOR EACH ROW EXECUTE FUNCTION no()",
    )
    side = open_side(postgres)
    cases = {
        "UNIQUE": ({"name": "b"}, "name", "data"),
        "NOT_NULL": ({"points": None}, "points", "data"),
        "TOO_LONG": ({"name": PRIVATE * 3}, "name", "data"),
        "VALUE_RANGE": ({"points": "99999"}, "", "data"),
        "CHECK": ({"points": "101"}, "", "data"),
        "FOREIGN_KEY": ({"born": "2026-01-01"}, "born", "parent"),
        "TRIGGER": ({"seen": "2026-01-01T00:00:00Z"}, "", "data"),
        "TEXT_ENCODING": ({"name": "nul\x00"}, "", "data"),
    }
    for code, (row, fields, kind) in cases.items():
        outcome = send(side, make("update", {"K1": row, "K2": {"flag": "true"}}))
        assert outcome["result"].tolist() == ["failed", "updated"], code
        assert outcome.loc["K1", ["code", "fields", "kind_of_failure"]].tolist() == [code, fields, kind]
        assert PRIVATE not in outcome.to_csv()


def test_a_deferred_constraint_still_blames_its_row(postgres: str, open_side: Open) -> None:
    run(postgres, "ALTER TABLE loose ADD CONSTRAINT later UNIQUE (name) DEFERRABLE INITIALLY DEFERRED")
    outcomes = send(open_side(postgres), make("update", {"K1": {"name": "new"}, "K2": {"name": "c"}}))
    assert outcomes["result"].tolist() == ["updated", "failed"]


def test_the_platforms_own_trigger_sets_the_stamp(postgres: str, open_side: Open) -> None:
    run(
        postgres,
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN new.updated_at := '2031-01-01'; RETURN new; END$$",
        "CREATE TRIGGER touch BEFORE UPDATE ON loose FOR EACH ROW EXECUTE FUNCTION touch()",
    )
    outcomes = send(open_side(postgres), make("update", {"K1": {"name": "z"}}))
    assert outcomes["stamp"].tolist() == ["2031-01-01T00:00:00.000000Z"]


def test_no_right_to_write_is_told_once_for_all(postgres: str, open_side: Open) -> None:
    run(postgres, "DROP ROLE IF EXISTS looker", "CREATE ROLE looker LOGIN", "GRANT SELECT ON loose TO looker")
    side = open_side(postgres.replace("//postgres:", "//looker:", 1))
    outcomes = send(side, make("create", {f"N{i}": {"name": "x"} for i in range(50)}))
    assert set(outcomes["result"]) == {"failed"}
    assert set(outcomes["kind_of_failure"]) == {"permission"}
    side.close()
    run(postgres, "DROP OWNED BY looker", "DROP ROLE looker")


def test_a_database_that_is_read_only(loose_sqlite: str, open_side: Open) -> None:
    run(loose_sqlite, KEYED_SQLITE, "INSERT INTO loose (code) VALUES ('K1')")
    path = loose_sqlite.removeprefix("sqlite:///")
    outcomes = send(open_side(f"sqlite:///file:{path}?mode=ro&uri=true"), make("update", {"K1": {"name": "x"}}))
    assert outcomes["kind_of_failure"].tolist() == ["permission"]


def test_a_locked_database_fails_as_a_lock(loose_sqlite: str, open_side: Open) -> None:
    import sqlite3

    run(loose_sqlite, "INSERT INTO loose (code) VALUES ('K1')")
    other = sqlite3.connect(loose_sqlite.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    side = open_side(loose_sqlite + "?timeout=0.1")
    outcomes = send(side, make("update", {"K1": {"name": "x"}}))
    assert outcomes[["code", "kind_of_failure"]].to_numpy().tolist() == [["LOCK", "lock"]]
    other.execute("ROLLBACK")
    other.close()
    assert send(side, make("update", {"K1": {"name": "x"}}))["result"].tolist() == ["updated"]


def test_a_locked_row_fails_as_a_lock(postgres: str, open_side: Open) -> None:
    import psycopg

    with psycopg.connect(postgres) as other:
        other.execute("SELECT * FROM loose WHERE code = 'K1' FOR UPDATE")
        side = open_side(postgres + "&options=-c%20lock_timeout%3D100ms")
        outcomes = send(side, make("update", {"K1": {"name": "x"}}))
    assert outcomes["kind_of_failure"].tolist() == ["lock"]
    assert ask(postgres, "SELECT name FROM loose WHERE code = 'K1'") == [("a",)]


def test_a_lost_reply_to_commit_is_unknown(gate: Gate, gate_url: str, loose_postgres: str, open_side: Open) -> None:
    run(loose_postgres, STRICT, "INSERT INTO loose (code) VALUES ('K1')")
    side = open_side(gate_url)
    side.fetch(LOOSE, pd.Index(["K1"]))
    gate.arm("COMMIT", deliver=True)
    outcomes = send(side, make("update", {"K1": {"name": "written"}}))
    assert outcomes["result"].tolist() == ["unknown"]
    assert side.fetch(LOOSE, pd.Index(["K1"])).values["name"].tolist() == ["written"]


def test_a_lost_request_to_commit_is_unknown_too(
    gate: Gate, gate_url: str, loose_postgres: str, open_side: Open
) -> None:
    run(loose_postgres, STRICT, "INSERT INTO loose (code, name) VALUES ('K1', 'old')")
    side = open_side(gate_url)
    gate.arm("COMMIT")
    outcomes = send(side, make("update", {"K1": {"name": "lost"}}))
    assert outcomes["result"].tolist() == ["unknown"]
    assert ask(loose_postgres, "SELECT name FROM loose") == [("old",)]


def test_a_connection_lost_before_commit_is_tried_again(
    gate: Gate, gate_url: str, loose_postgres: str, open_side: Open
) -> None:
    run(loose_postgres, STRICT, "INSERT INTO loose (code) VALUES ('K1')")
    side = open_side(gate_url)
    gate.arm("UPDATE", times=1)
    assert send(side, make("update", {"K1": {"name": "x"}}))["result"].tolist() == ["updated"]
    assert gate.times == 0
    gate.arm("UPDATE", times=99)
    with pytest.raises(Unreachable) as caught:
        send(side, make("update", {"K1": {"name": "y"}}))
    assert caught.value.code == "PLATFORM_UNREACHABLE"
    assert caught.value.next_step
    assert ask(loose_postgres, "SELECT name FROM loose") == [("x",)]


def test_delete_is_idempotent(url: str, open_side: Open) -> None:
    side = open_side(url)
    for _ in range(2):
        outcomes = send(side, make("delete", {"K1": {}, "K2": {}}))
        assert outcomes["result"].tolist() == ["deleted", "deleted"]
    assert ask(url, "SELECT code FROM loose") == [("K3",)]


def test_a_field_without_a_way_back_is_our_defect(url: str, open_side: Open) -> None:
    mapping = loose_mapping()
    joined = mapping.fields["name"].model_copy(update={"platform": ("name", "points")})
    mapping = mapping.model_copy(update={"fields": {**mapping.fields, "name": joined}})
    with pytest.raises(Defect):
        send(open_side(url), make("update", {"K1": {"name": "x"}}), mapping)


def test_a_column_that_is_gone_is_drift(url: str, open_side: Open) -> None:
    run(url, "ALTER TABLE loose DROP COLUMN points")
    with pytest.raises(DriftError):
        send(open_side(url), make("update", {"K1": {"points": "1"}}))
