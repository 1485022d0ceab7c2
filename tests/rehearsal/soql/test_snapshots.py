"""A reader that is given back holds nothing of what its last query saw."""

from __future__ import annotations

import gc
import sqlite3
from pathlib import Path

import pytest

from sfsync.rehearsal.org import Org


@pytest.fixture
def org(tmp_path: Path) -> Org:
    made = Org.open(tmp_path)
    for _ in range(11):
        assert all(one.success for one in made.insert("Account", [{"Name": "a"}] * 200))
    return made


def counted(org: Org) -> int:
    return org.query("SELECT COUNT() FROM Account").total_size


def test_a_result_that_was_closed_before_its_end(org: Org) -> None:
    result = org.query("SELECT Id FROM Account")
    next(result.records)
    result.close()
    org.insert("Account", [{"Name": "b"}])
    assert counted(org) == 2201
    assert result.columns == ["Id"], "the result was still there"


def test_a_result_that_nobody_wanted(org: Org) -> None:
    org.query("SELECT Id FROM Account")
    gc.collect()
    org.insert("Account", [{"Name": "b"}])
    assert counted(org) == 2201


def test_ids_that_were_not_read_to_their_end(org: Org) -> None:
    with org.read("SELECT Id FROM Account") as reading:
        ids = reading.ids()
        next(ids)
    org.insert("Account", [{"Name": "b"}])
    assert counted(org) == 2201
    with pytest.raises(sqlite3.ProgrammingError):
        next(ids)
