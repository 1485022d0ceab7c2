"""Each request is one case: the same file twice, in another order, in two parts, from two processes, after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sfsync.faultpoints import VARIABLE
from tests.e2e.world import ROOT
from tests.planners.requests.shopworld import AS_OF, HEADER, Desk, line

LINES = [line(id=f"R-{n}", shop=f"{42 + n % 5:04}", text=f"richiesta {n}") for n in range(20)]


def text(lines: list[str]) -> str:
    """A file of these lines."""
    return "\n".join([HEADER, *lines]) + "\n"


def command(desk: Desk, path: Path, **environment: str) -> subprocess.Popen[bytes]:
    """The import in a process of its own."""
    arguments = ["-m", "sfsync", "--config", str(desk.world.toml), "partners", "import", str(path), "--json"]
    return subprocess.Popen(
        [sys.executable, *arguments, "--as-of", AS_OF],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def keys(desk: Desk) -> set[str]:
    """Source keys of all cases, on the platform and in Salesforce alike."""
    here = {k for (k,) in desk.world.sql("SELECT source_key FROM cases")}
    there = [r["SFS_Source_Key__c"] for r in desk.world.rows("SELECT SFS_Source_Key__c FROM Case")]
    assert len(there) == len(set(there))
    assert set(there) == here
    return here


def test_another_order_and_two_parts_make_nothing_new(desk: Desk) -> None:
    assert desk.ran(text(LINES)).exit == 0
    first = keys(desk)
    assert len(first) == 20
    for lines in (LINES[::-1], LINES[:7], LINES[7:]):
        ran = desk.ran(text(lines))
        assert {r["outcome"] for r in ran.doc["rows"]} == {"SKIPPED"}
        assert all(r["case"] for r in ran.doc["rows"])
    assert desk.ran(text(LINES)).doc["refused"]["code"] == "REQUESTS_TWICE"
    assert keys(desk) == first


def test_two_processes_make_each_case_once(desk: Desk) -> None:
    paths = [desk.file(text(LINES)), desk.file(text(LINES[::-1]))]
    running = [command(desk, path) for path in paths]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, (out, err)
    assert len(keys(desk)) == 20


@pytest.mark.parametrize(
    "point", ["ledger.intent.opened", "apply.written", "ledger.outcome.after:2", "ledger.image.saved:2", "apply.part:2"]
)
def test_a_killed_import_goes_on_and_t0_stays(desk: Desk, point: str) -> None:
    path = desk.file(text(LINES))
    process = command(desk, path, **{VARIABLE: point})
    process.communicate(timeout=120)
    assert process.returncode < 0
    ran = desk.ran(path, as_of="2026-05-12T15:00:00Z")
    assert ran.exit == 0, ran.err
    assert {r["outcome"] for r in ran.doc["rows"]} == {"ACCEPT"}
    assert len(keys(desk)) == 20
    received = {r["SFS_Received_At__c"][:19] for r in desk.world.rows("SELECT SFS_Received_At__c FROM Case")}
    assert received == {"2026-05-12T14:00:00"}


def test_a_dry_run_leaves_nothing(desk: Desk) -> None:
    ran = desk.ran(text(LINES), "--dry-run")
    assert (ran.exit, ran.doc["counts"]) == (0, {"ACCEPT": 20})
    assert keys(desk) == set()
    assert desk.ran(text(LINES)).doc["counts"] == {"ACCEPT": 20}


def test_a_folder_is_imported_file_by_file(desk: Desk) -> None:
    folder = desk.world.folder / "posta"
    folder.mkdir()
    (folder / "a.csv").write_text(text(LINES[:3]), "utf-8")
    (folder / "b.csv").write_bytes(b"PK\x03\x04")
    (folder / "c.txt").write_text(text(LINES[3:5]), "utf-8")
    ran = desk.ran(folder)
    assert ran.exit == 4
    assert [one["exit"] for one in ran.doc["files"]] == [0, 4, 0]
    assert len(keys(desk)) == 5
