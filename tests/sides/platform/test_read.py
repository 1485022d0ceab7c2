"""What the platform side reads: every row of a window, whatever its stamp, key or text looks like."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from sfsync.errors import DriftError
from sfsync.mapping.model import Mapping
from sfsync.sides.platform import PlatformSide
from sfsync.sides.side import TEXT, Records, Window, concat
from tests.sides.platform.conftest import LOOSE, engine_of, loose_mapping, run

Open = Callable[[str], PlatformSide]
SINCE = datetime(2026, 11, 22, 9, tzinfo=UTC)


def read(side: PlatformSide, since: datetime | None = None, mapping: Mapping = LOOSE) -> Records:
    return concat(mapping, list(side.changes(mapping, Window(since, SINCE + timedelta(hours=1)))))


def insert(url: str, rows: list[dict[str, object]]) -> None:
    engine = engine_of(url)
    names = list(rows[0])
    with engine.begin() as connection:
        connection.execute(
            sa.text(f"INSERT INTO loose ({', '.join(names)}) VALUES ({', '.join(':' + n for n in names)})"), rows
        )
    engine.dispose()


def problems(records: Records) -> list[tuple[str, str, str]]:
    return sorted(tuple(r) for r in records.problems.itertuples(index=False))


def test_fifty_thousand_equal_stamps_pass(loose_url: str, open_side: Open) -> None:
    rows: list[dict[str, object]] = [
        {"code": f"K{i:06d}", "name": f"n{i}", "updated_at": "2026-11-22 09:30:00"} for i in range(50_000)
    ]
    insert(loose_url, rows)
    pages = list(open_side(loose_url).changes(LOOSE, Window(SINCE, SINCE)))
    assert len(pages) > 1
    assert sum(map(len, pages)) == 50_000
    assert len(concat(LOOSE, pages)) == 50_000


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-22 10:00:00",
        "2026-11-22 10:00",
        "2026-11-22T10:00:00",
        "2026-11-22T10:00:00Z",
        "2026-11-22 10:00:00.5",
        "2026-11-22T10:00:00.123456",
        "2026-11-22T10:00:00.123456+00:00",
        "2026-11-22T10:30:00+01:00",
        "2026-11-22 04:30:00-05:00",
        "2026-11-23",
        None,
        "",
        "ieri",
        "22/11/2026",
        "2026-11-22T10:30:00+0100",
        1763805600,
    ],
)
def test_sqlite_stamps_of_any_form_lose_no_row(loose_sqlite: str, open_side: Open, stamp: object) -> None:
    insert(loose_sqlite, [{"code": "K1", "updated_at": stamp}])
    assert len(read(open_side(loose_sqlite), SINCE)) == 1


@pytest.mark.parametrize(
    "stamp",
    ["2026-11-22 08:59:59", "2026-11-22T08:59:59Z", "2026-11-22T08:59:59.999+00:00", "2026-11-22T09:59:00+01:00"],
)
def test_sqlite_stamps_before_the_window_stay_out(loose_sqlite: str, open_side: Open, stamp: str) -> None:
    insert(loose_sqlite, [{"code": "K1", "updated_at": stamp}])
    assert len(read(open_side(loose_sqlite), SINCE)) == 0


def test_meta_shows_stamps_as_instants_of_one_width(loose_sqlite: str, open_side: Open) -> None:
    stamps = ["2026-11-22T10:30:00.25+01:00", "2026-11-22 09:30", "ieri", None]
    insert(loose_sqlite, [{"code": f"K{i}", "updated_at": s} for i, s in enumerate(stamps)])
    shown = read(open_side(loose_sqlite)).meta["stamp"]
    assert shown.loc[["K0", "K1"]].tolist() == ["2026-11-22T09:30:00.250000Z", "2026-11-22T09:30:00.000000Z"]
    assert shown.loc[["K2", "K3"]].isna().all()


def test_the_edge_of_the_window_belongs_to_it(loose_url: str, open_side: Open) -> None:
    stamps = ["2026-11-22 09:00:00", "2026-11-22 08:59:59.999000", None]
    insert(loose_url, [{"code": f"K{i}", "updated_at": s} for i, s in enumerate(stamps)])
    assert sorted(read(open_side(loose_url), SINCE).values.index) == ["K0", "K2"]


def test_rows_without_a_stamp_are_always_read(loose_url: str, open_side: Open) -> None:
    insert(loose_url, [{"code": "K1", "updated_at": None}, {"code": "K2", "updated_at": None}])
    side = open_side(loose_url)
    assert len(read(side)) == len(read(side, SINCE)) == 2


def test_strange_dates_of_postgresql_reach_us(loose_postgres: str, open_side: Open) -> None:
    run(
        loose_postgres,
        "INSERT INTO loose (code, born, seen, updated_at) VALUES ('K1', 'infinity', '-infinity', 'infinity'),"
        " ('K2', '0044-03-15 BC', '12000-01-01', '2026-11-22 10:00'), ('K3', '2000-02-29', '2026-01-01 10:00', now())",
    )
    found = read(open_side(loose_postgres))
    assert sorted(found.values.index) == ["K1", "K2", "K3"]
    assert found.values.loc["K3", ["born", "seen"]].tolist() == ["2000-02-29", "2026-01-01T10:00:00Z"]
    assert {k for k, _, _ in problems(found)} == {"K1", "K2"}
    assert sorted(read(open_side(loose_postgres), SINCE).values.index) == ["K1", "K2", "K3"]


def test_stamps_and_instants_with_a_zone(loose_postgres: str, open_side: Open) -> None:
    run(
        loose_postgres,
        "ALTER TABLE loose ALTER updated_at TYPE timestamptz, ALTER seen TYPE timestamptz",
        "INSERT INTO loose (code, seen, updated_at) VALUES ('K1', '2026-07-01 12:00+02', '2026-11-22 10:00+01'),"
        " ('K2', NULL, '2026-11-22 09:59+01')",
    )
    found = read(open_side(loose_postgres), SINCE)
    assert found.values.index.tolist() == ["K1"]
    assert found.values.loc["K1", "seen"] == "2026-07-01T10:00:00Z"
    assert found.meta.loc["K1", "stamp"] == "2026-11-22T09:00:00.000000Z"


def test_a_lost_connection_goes_on_where_it_was(loose_postgres: str, open_side: Open) -> None:
    rows: list[dict[str, object]] = [
        {"code": f"K{i:06d}", "name": None, "updated_at": "2026-11-22 09:30:00"} for i in range(45_000)
    ]
    insert(loose_postgres, rows)
    pages = open_side(loose_postgres).changes(LOOSE, Window(SINCE, SINCE))
    seen = next(pages).values.index.tolist()
    run(
        loose_postgres,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    for page in pages:
        seen += page.values.index.tolist()
    assert seen == [f"K{i:06d}" for i in range(45_000)]


def test_text_that_is_not_utf8_is_its_records_problem(loose_sqlite: str, open_side: Open) -> None:
    run(
        loose_sqlite,
        "INSERT INTO loose (code, name) VALUES ('K1', 'good'), ('K2', CAST(x'436166e9' AS TEXT)), ('K3', 'also')",
    )
    found = read(open_side(loose_sqlite))
    assert problems(found) == [("K2", "name", "TEXT_ENCODING")]
    assert found.values.loc[["K1", "K3"], "name"].tolist() == ["good", "also"]


def test_a_key_that_is_not_utf8_is_a_problem(loose_sqlite: str, open_side: Open) -> None:
    run(loose_sqlite, "INSERT INTO loose (code, name) VALUES ('K1', 'good'), (CAST(x'4be9' AS TEXT), 'bad')")
    found = read(open_side(loose_sqlite))
    assert "K1" in found.values.index
    assert [c for _, _, c in problems(found)] == ["TEXT_ENCODING"]


def test_values_of_the_wrong_type_stop_nothing(loose_sqlite: str, open_side: Open) -> None:
    flags: list[object] = [0, 1, "t", "true", "f", "boh"]
    insert(loose_sqlite, [{"code": f"K{i}", "flag": f, "points": i, "born": None} for i, f in enumerate(flags)])
    insert(loose_sqlite, [{"code": "K8", "flag": 1, "points": "molti", "born": "30/02/2026"}])
    found = read(open_side(loose_sqlite))
    assert found.values.loc[[f"K{i}" for i in range(5)], "flag"].tolist() == ["false", "true", "true", "true", "false"]
    assert [(k, f) for k, f, _ in problems(found)] == [("K5", "flag"), ("K8", "born"), ("K8", "points")]


def test_rows_without_a_key(loose_url: str, open_side: Open) -> None:
    insert(loose_url, [{"code": c, "updated_at": "2026-11-22 09:30:00"} for c in ("K1", None, "", "  ")])
    parts = list(open_side(loose_url).changes(LOOSE, Window(SINCE, SINCE)))
    assert concat(LOOSE, parts).values.index.tolist() == ["K1"]
    lost = pd.concat([p.problems for p in parts])
    assert lost[["key", "code"]].to_numpy().tolist() == [["", "KEY_NULL"]] * 3


def test_keys_equal_but_for_case_and_blanks_are_refused(loose_url: str, open_side: Open) -> None:
    stamp = "2026-11-22 09:30:00"
    codes = ["K1", "k1", "K2", " K2", "K3", "K4", "K4"]
    insert(loose_url, [{"code": c, "name": c, "updated_at": stamp} for c in codes])
    found = read(open_side(loose_url))
    twice = {k for k, _, c in problems(found) if c == "KEY_TWICE"}
    assert twice == {"K1", "k1", "K2", " K2", "K4"}
    assert sorted(found.values.index) == [" K2", "K1", "K2", "K3", "K4", "k1"]


def test_a_twin_outside_the_window_still_counts(loose_url: str, open_side: Open) -> None:
    insert(loose_url, [{"code": "K1", "updated_at": "2026-01-01 00:00:00"}, {"code": "k1", "updated_at": None}])
    assert problems(read(open_side(loose_url), SINCE)) == [("k1", "", "KEY_TWICE")]


def test_a_key_with_blanks_around_it(loose_url: str, open_side: Open) -> None:
    insert(loose_url, [{"code": " K1 ", "name": "a", "updated_at": "2026-11-22 09:30:00"}])
    side = open_side(loose_url)
    found = read(side)
    assert found.values.index.tolist() == ["K1"]
    assert found.meta["id"].tolist() == [" K1 "]
    keys = pd.Index(pd.array(["K1"], dtype=TEXT))
    assert len(side.fetch(LOOSE, keys)) == 1
    assert len(open_side(loose_url).fetch(LOOSE, keys, found.meta["id"])) == 1


def test_change_times_of_fields_are_in_meta(loose_url: str, open_side: Open) -> None:
    insert(loose_url, [{"code": "K1", "consent": True, "consent_at": "2026-10-01 08:00:00"}])
    meta = read(open_side(loose_url)).meta
    assert meta["changed_at.consent"].tolist() == ["2026-10-01T08:00:00.000000Z"]


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("integer", ["7", "10", "9"]),
        ("bigint", ["7000000000", "10", "9"]),
        ("uuid", ["7c9e6679-7425-40de-944b-e07fc1f90ae7", "00000000-0000-0000-0000-000000000001"]),
        ("char(8)", ["AB", "ABCDEFGH"]),
    ],
)
def test_keys_of_other_types(new_postgres: Callable[..., str], open_side: Open, kind: str, keys: list[str]) -> None:
    url = new_postgres()
    values = ", ".join(f"('{k}', 'x', now())" for k in keys)
    run(
        url,
        f"CREATE TABLE loose (code {kind} PRIMARY KEY, name text, flag boolean, points int, born date, seen timestamp,"
        " consent boolean, consent_at timestamp, updated_at timestamp)",
        f"INSERT INTO loose (code, name, updated_at) VALUES {values}",
    )
    side = open_side(url)
    assert sorted(read(side).values.index) == sorted(keys)
    found = side.fetch(LOOSE, pd.Index(pd.array([*keys, "404"], dtype=TEXT)))
    assert found.values.index.tolist() == keys


def test_a_table_in_another_schema(loose_postgres: str, open_side: Open) -> None:
    run(loose_postgres, "CREATE SCHEMA crm", "ALTER TABLE loose SET SCHEMA crm", "INSERT INTO crm.loose VALUES ('K1')")
    side = open_side(loose_postgres)
    assert len(read(side, mapping=loose_mapping(table="crm.loose"))) == 1
    with pytest.raises(DriftError):
        read(open_side(loose_postgres))


def test_a_column_we_may_not_see_is_not_observed(loose_postgres: str, open_side: Open) -> None:
    columns = "code, flag, points, born, seen, consent, consent_at, updated_at"
    run(
        loose_postgres,
        "DROP ROLE IF EXISTS narrow",
        "CREATE ROLE narrow LOGIN",
        f"GRANT SELECT ({columns}) ON loose TO narrow",
        "INSERT INTO loose (code, name) VALUES ('K1', 'secret')",
    )
    url = str(loose_postgres).replace("//postgres:", "//narrow:", 1)
    side = open_side(url)
    found = read(side)
    assert found.observed == frozenset(LOOSE.columns) - {"name"}
    assert pd.isna(found.values.loc["K1", "name"])
    assert [f.level for f in side.check(LOOSE) if "name" in f.where] == ["error"]
    side.close()
    run(loose_postgres, "DROP OWNED BY narrow", "DROP ROLE narrow")


def test_a_missing_column_is_drift_and_not_observed(loose_url: str, open_side: Open) -> None:
    run(loose_url, "ALTER TABLE loose DROP COLUMN points", "INSERT INTO loose (code) VALUES ('K1')")
    side = open_side(loose_url)
    assert [f.code for f in side.check(LOOSE) if f.level == "error"] == ["COLUMN_MISSING"]
    assert "points" not in read(side).observed


@pytest.mark.parametrize(("part", "value"), [("table", "nowhere"), ("key", "nokey"), ("stamp", "nostamp")])
def test_a_wrong_platform_part_is_drift(loose_url: str, open_side: Open, part: str, value: str) -> None:
    mapping = loose_mapping(**{part: value})
    side = open_side(loose_url)
    found = side.check(mapping)
    assert found[0].level == "error"
    assert value in found[0].message + found[0].where
    assert found[0].next_step
    with pytest.raises(DriftError):
        read(side, mapping=mapping)


def test_a_key_that_is_not_unique_is_reported(loose_url: str, open_side: Open) -> None:
    side = open_side(loose_url)
    assert [f.code for f in side.check(LOOSE) if f.level == "warning"] == ["PLATFORM_KEY"]
    run(loose_url, "CREATE UNIQUE INDEX one ON loose (code)")
    assert [f.code for f in side.check(LOOSE) if f.level == "warning"] == []


def test_the_window_is_by_the_databases_clock_and_the_mappings_margins(loose_url: str, open_side: Open) -> None:
    mapping = loose_mapping(settle="PT2M", overlap="PT10M")
    side = open_side(loose_url)
    window = side.window(mapping, SINCE)
    assert window.since == SINCE - timedelta(minutes=10)
    assert abs(datetime.now(UTC) - timedelta(minutes=2) - window.until) < timedelta(seconds=30)
    assert side.window(mapping, None).since is None


def test_fetch_takes_many_keys_and_keeps_their_order(loose_url: str, open_side: Open) -> None:
    insert(loose_url, [{"code": f"K{i}", "updated_at": None} for i in range(7_000)])
    keys = [f"K{i}" for i in range(6_999, -1, -1)]
    found = open_side(loose_url).fetch(LOOSE, pd.Index(pd.array([*keys, "x'; --"], dtype=TEXT)))
    assert found.values.index.tolist() == keys


def test_a_paused_read_does_not_block_a_write(loose_url: str, open_side: Open) -> None:
    insert(loose_url, [{"code": f"K{i:05d}", "updated_at": "2026-11-22 09:30:00"} for i in range(21_000)])
    pages = open_side(loose_url).changes(LOOSE, Window(None, SINCE))
    first = next(pages)
    run(loose_url, "UPDATE loose SET name = 'x'")
    assert len(first) + sum(map(len, pages)) == 21_000
