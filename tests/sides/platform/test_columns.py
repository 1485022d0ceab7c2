"""Whole columns and single cells are read alike, and a window is found through the stamp's index."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from sfsync.sides.platform import PlatformSide, joining, page, windows
from sfsync.sides.platform.tables import Table, reflect
from sfsync.sides.side import TEXT, Window, concat
from tests.sides.platform.conftest import LOOSE, engine_of, run

Open = Callable[[str], PlatformSide]
SINCE = datetime(2026, 11, 22, 9, tzinfo=UTC)
COLUMNS = ("name", "flag", "points", "born", "seen", "consent", "consent_at")
ODD_CELLS = [
    "('K1', 42.0, 1.5, 1e20, 2460000.5, '2026-01-02 03:04:05.678', 0, '2026-01-02 03:04')",
    "('K2', 'a' || char(31) || 'b', 1, 7, '2026-01-02', '2026-01-02T03:04:05Z', 1, 'ieri')",
    "('K3', 'a' || char(0) || 'b', 't', '007', 20260102, 1763805600, '', '2026-01-02 03:04:05')",
    "('K4', x'4361', x'31', 9223372036854775807, NULL, '', NULL, '2026-01-02 03:04:05.5')",
    "('K5', CAST(x'436166e9' AS TEXT), 0, -0.0, '30/02/2026', 'x', 'no', '20260102')",
    "('K6', ' e' || char(769) || ' ', 1, '1.0', '2026-01-02 10:00', '2026-07-01T12:00:00+02:00', 1, NULL)",
    "('K7', '42.0', 1, 12, '2026-01-02', '2026-01-02 03:04:05', 0, '2026-01-02 03:04:05.123456')",
]
STAMPS: list[object] = [
    *(
        None,
        "",
        "ieri",
        "22/11/2026",
        "1/2/2026",
        " 2026-01-01",
        "2025-13-01 10:00",
        "2025-25-01",
        1763805600,
        2460000.5,
    ),
    *(
        "2025-06-15 10:00",
        "2025-06-16garbage",
        "2026-11-22 10:00:00",
        "2026-11-22T08:59:59Z",
        "2026-11-22 04:30:00-05:00",
    ),
    *(
        "2026-11-21T22:00:00-12:00",
        "2026-11-23",
        "now",
        "-2026-01-01",
        "2026-11-22T10:30:00+0100",
        "12:00",
        "0",
        b"\xff",
    ),
]


def table_of(connection: sa.Connection) -> Table:
    return reflect(connection, LOOSE, COLUMNS)


def put(url: str, rows: list[str]) -> None:
    run(url, f"INSERT INTO loose (code, {', '.join(COLUMNS)}) VALUES {', '.join(rows)}")


@pytest.mark.parametrize("row", ODD_CELLS)
def test_a_cell_is_the_same_however_it_is_read(loose_sqlite: str, open_side: Open, row: str) -> None:
    """Alone, among ordinary rows, by its key, and row by row through the driver."""
    put(loose_sqlite, [row])
    plain = [f"('P{i}', 'n{i}', {i % 2}, {i}, '2026-01-02', '2026-01-02 03:04:05', 1, NULL)" for i in range(50)]
    key = row[2:4]
    alone = concat(LOOSE, list(open_side(loose_sqlite).changes(LOOSE, Window(None, SINCE))))
    put(loose_sqlite, plain)
    side = open_side(loose_sqlite)
    among = concat(LOOSE, list(side.changes(LOOSE, Window(None, SINCE))))
    fetched = side.fetch(LOOSE, pd.Index([key, "P7"], dtype=TEXT))
    for found in (among, fetched):
        pd.testing.assert_frame_equal(found.values.loc[[key]], alone.values)
        pd.testing.assert_frame_equal(found.meta.loc[[key]], alone.meta)
        assert found.problems.to_numpy().tolist() == alone.problems.to_numpy().tolist()


@pytest.mark.parametrize("rows", [ODD_CELLS[5:6], ODD_CELLS[6:]])
def test_ordinary_rows_are_joined_and_agree_with_the_driver(loose_sqlite: str, rows: list[str]) -> None:
    put(loose_sqlite, rows)
    with engine_of(loose_sqlite).connect() as connection:
        table = table_of(connection)
        fast = joining._joined(connection, table, COLUMNS, sa.true(), ordered=True)
        slow = page.listed(connection.execute(sa.select(*joining.cells(table, COLUMNS).values())).all(), COLUMNS)
    assert {n: c.values.to_pylist() for n, c in fast.columns.items()} == {
        n: [v or None for v in c.values.to_pylist()] for n, c in slow.columns.items()
    }


@pytest.mark.parametrize("row", ODD_CELLS[:5])
def test_what_could_be_mistaken_is_not_joined(loose_sqlite: str, row: str) -> None:
    put(loose_sqlite, [row])
    with engine_of(loose_sqlite).connect() as connection:
        table = table_of(connection)
        if "x'4361'" in row:  # bytes that are text lose nothing
            joining._joined(connection, table, COLUMNS, sa.true(), ordered=True)
            return
        with pytest.raises(page.Odd):
            joining._joined(connection, table, COLUMNS, sa.true(), ordered=True)


def test_numbers_of_postgresql_are_spelt_as_the_driver_spells_them(loose_postgres: str) -> None:
    kinds = {"flag": "boolean", "points": "numeric(12,3)", "consent": "double precision"}
    run(
        loose_postgres,
        *(f"ALTER TABLE loose ALTER {n} TYPE {k} USING NULL" for n, k in kinds.items()),
        "INSERT INTO loose (code, name, flag, points, consent) VALUES ('K1', 'x', true, 5.00, 1e20),"
        " ('K2', '', false, 'NaN', 'Infinity'), ('K3', NULL, NULL, 0.125, 0.1), ('K4', 'é', true, -7, 42)",
    )
    with engine_of(loose_postgres).connect() as connection:
        table = table_of(connection)
        fast = joining._joined(connection, table, COLUMNS, sa.true(), ordered=True)
        query = sa.select(*joining.cells(table, COLUMNS).values()).order_by(table.key)
        slow = page.listed(connection.execute(query).all(), COLUMNS)
    for name in ("name", "flag", "points", "consent"):
        assert fast.columns[name].values.to_pylist() == [v or None for v in slow.columns[name].values.to_pylist()]


def test_the_stamps_index_changes_nothing_of_a_window(loose_sqlite: str, open_side: Open) -> None:
    engine = engine_of(loose_sqlite)
    with engine.begin() as connection:
        for number, stamp in enumerate(STAMPS):
            connection.exec_driver_sql("INSERT INTO loose (code, updated_at) VALUES (?, ?)", (f"K{number:02d}", stamp))
    for since in (SINCE, SINCE + timedelta(days=1), SINCE - timedelta(days=300)):
        run(loose_sqlite, "DROP INDEX IF EXISTS stamps")
        scanned = concat(LOOSE, list(open_side(loose_sqlite).changes(LOOSE, Window(since, SINCE)))).values.index
        run(loose_sqlite, "CREATE INDEX stamps ON loose (updated_at)")
        found = concat(LOOSE, list(open_side(loose_sqlite).changes(LOOSE, Window(since, SINCE)))).values.index
        # Beginning with a day long past says enough, whatever follows it.
        garbage = f"K{STAMPS.index('2025-06-16garbage'):02d}"
        assert set(scanned) - set(found) == {garbage}
        assert set(found) <= set(scanned)


def test_an_idle_window_walks_over_no_table(loose_sqlite: str) -> None:
    run(loose_sqlite, "CREATE INDEX stamps ON loose (updated_at)", "CREATE UNIQUE INDEX one ON loose (code)")
    with engine_of(loose_sqlite).connect() as connection:
        table = table_of(connection)
        asked = [sa.select(table.key).where(c) for c in windows.conditions(connection, table, SINCE)]
        made = [q.compile(connection) for q in (*asked, windows.hops(connection, table))]
        values = {"before": "2026-11-21", "most": 10}
        for query in made:
            bound = tuple(
                (query.params | values)[n] if n in values else query.params[n] for n in query.positiontup or ()
            )
            steps = [str(r[3]) for r in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", bound)]
            assert not [s for s in steps if s.startswith(("SCAN loose", "SCAN r"))], steps
            assert [s for s in steps if "USING" in s and "stamps" in s], steps


def test_every_key_comes_once_while_rows_change(loose_url: str, open_side: Open) -> None:
    rows = [f"('K{i:05d}', 'n', NULL, NULL, NULL, NULL, NULL, NULL)" for i in range(6_000)]
    put(loose_url, rows)
    run(loose_url, "UPDATE loose SET updated_at = '2026-11-22 09:30:00'")
    for since in (None, SINCE):
        seen: list[str] = []
        for number, part in enumerate(open_side(loose_url).changes(LOOSE, Window(since, SINCE))):
            seen += part.values.index.tolist()
            run(loose_url, f"UPDATE loose SET updated_at = '2026-11-22 09:4{number}:00', name = 'm{number}'")
        assert seen == [f"K{i:05d}" for i in range(6_000)]
