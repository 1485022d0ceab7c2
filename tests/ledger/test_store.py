"""Opening, refusing, runs, watermarks, pruning."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from sfsync.errors import LedgerError, Unreachable
from sfsync.ledger import Ledger, images, intents
from sfsync.ledger.tables import PG_SCHEMA, meta, metadata, write_log

AS_OF = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
KEY = b"k" * 32


def code_of(call: Callable[[], object], kind: type[LedgerError | Unreachable] = LedgerError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.next_step, "every refusal says what to do next"
    return caught.value.code


def test_what_was_written_is_there_after_reopening(reopen: Callable[..., Ledger]) -> None:
    reopen().set_watermark("player", "salesforce", AS_OF, "r1")
    again = reopen(create=False)
    assert again.watermark("player", "salesforce") == AS_OF
    assert again.watermark("player", "platform") is None


def test_the_latest_watermark_counts(ledger: Ledger) -> None:
    for minutes in (0, 5):
        ledger.set_watermark("player", "salesforce", AS_OF + timedelta(minutes=minutes), "r1")
    assert ledger.watermark("player", "salesforce") == AS_OF + timedelta(minutes=5)


def test_another_schema_version_is_refused_and_left_alone(reopen: Callable[..., Ledger]) -> None:
    with reopen().writing() as connection:
        connection.execute(meta.update().where(meta.c.name == "schema").values(value="99"))
    assert code_of(reopen) == "LEDGER_VERSION"
    with pytest.raises(LedgerError, match="schema 99"):
        reopen()


def test_another_key_is_refused(ledger: Ledger, reopen: Callable[..., Ledger]) -> None:
    assert code_of(lambda: reopen(key=b"another key, just as long as that")) == "LEDGER_KEY"


def test_a_missing_ledger_is_not_made_unless_asked(reopen: Callable[..., Ledger]) -> None:
    assert code_of(lambda: reopen(create=False)) == "LEDGER_MISSING"
    assert code_of(lambda: reopen(create=False)) == "LEDGER_MISSING"  # looking did not make it


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"these are not the pages you are looking for" * 100)
    before = path.read_bytes()
    assert code_of(lambda: Ledger.open(f"sqlite:///{path}", tmp_path, KEY)) == "LEDGER_DAMAGED"
    assert path.read_bytes() == before


def test_a_database_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE players (player_id TEXT)")
    assert code_of(lambda: Ledger.open(f"sqlite:///{path}", tmp_path, KEY)) == "LEDGER_DAMAGED"
    with sqlite3.connect(path) as other:
        assert [n for (n,) in other.execute("SELECT name FROM sqlite_master")] == ["players"]


def test_a_broken_page_is_a_damaged_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Ledger.open(f"sqlite:///{path}", tmp_path, KEY).close()
    body = bytearray(path.read_bytes())
    body[100:4096] = b"\xff" * (4096 - 100)
    path.write_bytes(body)
    assert code_of(lambda: Ledger.open(f"sqlite:///{path}", tmp_path, KEY)) == "LEDGER_DAMAGED"


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://u:secret@host/db", "not a url", "oracle://x"]
)
def test_urls_a_ledger_cannot_live_at(url: str, tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.open(url, tmp_path, KEY)
    assert caught.value.code == "LEDGER_URL"
    assert "secret" not in repr(caught.value)


def test_a_database_that_does_not_answer_is_unreachable(tmp_path: Path) -> None:
    url = "postgresql://someone:secret@127.0.0.1:1/db"
    with pytest.raises(Unreachable) as caught:
        Ledger.open(url, tmp_path, KEY)
    assert caught.value.code == "LEDGER_UNREACHABLE"
    assert "secret" not in f"{caught.value!r} {caught.value}"


def test_only_the_owner_can_read_file_and_folder(tmp_path: Path) -> None:
    path = tmp_path / "private" / "ledger.db"
    ledger = Ledger.open(f"sqlite:///{path}", tmp_path / "folder", KEY)
    ledger.set_watermark("player", "platform", AS_OF, "r1")
    for file in path.parent.iterdir():  # the file, its write-ahead log and the log's index
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700
    ledger.close()


def test_eight_processes_may_make_it_at_once(reopen: Callable[..., Ledger]) -> None:
    with ThreadPoolExecutor(8) as pool:
        opened = [f.result() for f in [pool.submit(reopen) for _ in range(8)]]
    opened[0].set_watermark("player", "platform", AS_OF, "r1")
    assert all(one.watermark("player", "platform") == AS_OF for one in opened)


def test_outcomes_are_on_disk_when_the_ledger_says_so(tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path, KEY)
    with ledger.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
    ledger.close()


def test_records_without_a_stamp_are_in_no_index_of_stamps(ledger: Ledger) -> None:
    schema = PG_SCHEMA if ledger.engine.dialect.name == "postgresql" else None
    found = {i["name"]: i for i in sa.inspect(ledger.engine).get_indexes("base", schema=schema)}["base_stamp"]
    assert found["column_names"] == ["mapping", "salesforce_stamp"]
    where = found["dialect_options"][f"{ledger.engine.dialect.name}_where"]
    assert "salesforce_stamp IS NOT NULL" in str(where)


def test_no_column_is_made_for_values() -> None:
    for table in metadata.sorted_tables:
        assert not {"value_before", "old", "new", "email", "name_of_player"} & set(table.c.keys())


def test_a_ledger_belongs_to_one_org_and_one_database(ledger: Ledger) -> None:
    assert ledger.bind("db-1", "00D1") == []
    assert ledger.bind("db-1", "00D1") == []
    assert [(f.code, f.level) for f in ledger.bind("db-1", "00D2")] == [("OTHER_ORG", "error")]
    assert [(f.code, f.level) for f in ledger.bind("db-2", "00D1")] == [("OTHER_DATABASE", "error")]
    assert {f.code for f in ledger.bind("db-2", "00D2")} == {"OTHER_ORG", "OTHER_DATABASE"}
    assert ledger.bind("db-1", "00D1") == [], "a refused one must not take its place"


def test_the_key_is_not_in_any_repr(ledger: Ledger) -> None:
    assert ledger.key.decode() not in f"{ledger!r} {ledger.digest!r}"


def test_runs_sort_by_time_and_say_how_they_ended(ledger: Ledger) -> None:
    first = ledger.begin_run("sync", AS_OF, "anna")
    second = ledger.begin_run("plan", AS_OF, "anna")
    ledger.end_run(first, 3, {"mappings": {"player": {"read": {"platform": 1}}}})
    runs = ledger.last_runs()
    assert [r["run_id"] for r in runs] == [second, first]
    assert runs[0]["exit"] is None and runs[0]["ended_at"] is None  # a killed run looks like this
    assert ledger.run(first)["exit"] == 3
    assert [r["run_id"] for r in ledger.last_runs("player")] == [first]
    assert ledger.last_runs("shop") == []
    assert code_of(lambda: ledger.run("20200101T000000Z-0000")) == "RUN_UNKNOWN"


def test_many_runs_in_one_second_have_ids_of_their_own(ledger: Ledger) -> None:
    assert len({ledger.begin_run("sync", AS_OF, "cron") for _ in range(30)}) == 30


def test_pruning_takes_what_is_old_and_nothing_else(reopen: Callable[..., Ledger]) -> None:
    ledger = reopen(keep_days=10)
    run = ledger.begin_run("sync", AS_OF, "anna")
    keys = pd.Index(["P-1"])
    done = intents.open(ledger, run, "player", "platform", "update", keys, ["a"], *_cell())
    intents.close(ledger, done, pd.DataFrame({"result": ["updated"]}, index=keys))
    left_open = intents.open(ledger, run, "player", "platform", "update", keys, ["a"], *_cell())
    file = images.save(ledger, run, "player", "platform", 1, pa.table({"a": ["x"]}))
    now = datetime.now(UTC)

    assert set(ledger.prune(now + timedelta(days=9)).values()) == {0}
    assert file.exists()
    counts = ledger.prune(now + timedelta(days=11))
    assert counts == {"image": 1, "write_log": 1, "intent": 1, "conflict": 0, "run": 1}
    assert not file.exists() and not file.parent.exists()
    assert [i.intent_id for i in intents.open_intents(ledger)] == [left_open]
    with ledger.reading() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(write_log)) == 0


def _cell() -> tuple[np.ndarray, np.ndarray]:

    return np.array([[5]], np.uint64), np.array([[True]])
