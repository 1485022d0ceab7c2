"""doctor: every check has its line, each wrong thing its way out, and one failure hides no other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.project import Done, Project

ENDS = {"platform", "platform tables", "Salesforce login", "Salesforce API version", "Salesforce permissions"}
ALWAYS = {"python", "configuration", "secrets", "mappings", *ENDS, "Salesforce fields", "Salesforce limits", "clocks"}


def lines(done: Done, state: str) -> dict[str, Any]:
    """The lines of one colour: code (or the check's name) -> line."""
    found = [c for c in done.json["checks"] if c["state"] == state]
    assert all(c["message"] for c in found)
    return {c["code"] or c["check"]: c for c in found}


def look(project: Project, status: int, **env: str) -> Done:
    """``doctor --json`` that ends with ``status``; red lines all say what to do."""
    done = project.run("doctor", "--json", **env)
    assert done.exit == done.json["exit"] == status, done
    assert all(c["next_step"] for c in lines(done, "red").values())
    return done


def test_a_healthy_project_is_green(project: Project) -> None:
    before = {p: p.read_bytes() for p in project.folder.rglob("*") if p.is_file()}
    done = look(project, 0)
    assert {c["check"] for c in done.json["checks"]} == {*ALWAYS, "ledger"}
    assert not lines(done, "red")
    assert not lines(done, "yellow")
    said = done.out
    for word in ("SQLite 3.", "sandbox", "integration@", "66.0", "API calls left"):
        assert word in said
    assert {p: p.read_bytes() for p in project.folder.rglob("*") if p.is_file()} == before  # it writes nothing


def test_after_a_run_it_looks_into_the_ledger(project: Project) -> None:
    assert project.run("sync", "company").exit == 0
    done = look(project, 0)
    assert {"ledger ends", "leases", "audit trail"} <= {c["check"] for c in done.json["checks"]}
    assert not lines(done, "yellow")


def test_people_get_a_table(project: Project) -> None:
    done = project.run("doctor", SFSYNC_SALESFORCE__ACCESS_TOKEN="wrong")
    assert done.exit == 9
    assert "SFSYNC_SALESFORCE__ACCESS_TOKEN" in done.out
    assert "1 red" in done.err


def test_a_wrong_configuration_hides_nothing_else(project: Project) -> None:
    (project.folder / "sfsync.toml").write_text("[budget]\nper_run = 3")
    done = look(project, 2)
    assert set(lines(done, "red")) == {"CONFIG_INVALID"}
    assert lines(done, "green").keys() == {"python"}
    assert len(done.json["checks"]) >= 12


def test_everything_wrong_at_once(project: Project) -> None:
    """Two ends down, a mapping broken, a key open, a private key missing: five red lines; configuration goes first."""
    (project.folder / ".sfsync/hash.key").chmod(0o640)
    (project.mapping_folder / "shop.yaml").write_text("mapping: [")
    down = {
        "SFSYNC_PLATFORM__URL": "postgresql://127.0.0.1:1/d",
        "SFSYNC_SALESFORCE__INSTANCE_URL": "http://127.0.0.1:1",
    }
    done = look(project, 2, **down)
    wanted = {"SECRET_EXPOSED", "MAPPING_YAML", "PLATFORM_UNREACHABLE", "SALESFORCE_UNREACHABLE"}
    assert set(lines(done, "red")) == wanted
    assert f"chmod 600 {project.folder / '.sfsync/hash.key'}" in lines(done, "red")["SECRET_EXPOSED"]["next_step"]


@pytest.mark.parametrize(
    ("env", "code"),
    [
        ({"SFSYNC_PLATFORM__URL": "sqlite:///nowhere.db"}, "PLATFORM_FILE"),
        ({"SFSYNC_PLATFORM__URL": "postgresql://127.0.0.1:1/d"}, "PLATFORM_UNREACHABLE"),
        ({"SFSYNC_SALESFORCE__ACCESS_TOKEN": "00D!x"}, "INVALID_SESSION_ID"),
    ],
)
def test_an_end_that_is_away_goes_before_drift(project: Project, env: dict[str, str], code: str) -> None:
    project.sql("ALTER TABLE players RENAME COLUMN email TO mail")
    project.edit_mapping("case", "salesforce: SFS_Place__c", "salesforce: SFS_Plce__c")
    done = look(project, 9, **env)
    assert code in lines(done, "red")
    assert {"COLUMN_MISSING", "FIELD_MISSING"} & set(lines(done, "red"))  # the other end was looked at all the same


def _widened(project: Project) -> None:
    project.edit_mapping("player", "SFS_Segment__c, length: 40", "SFS_Segment__c, length: 4000")


DRIFTS: dict[str, Callable[[Project], Any]] = {
    "COLUMN_MISSING": lambda p: p.sql("ALTER TABLE players RENAME COLUMN segment TO part"),
    "PLATFORM_TABLE": lambda p: p.sql("ALTER TABLE terminals RENAME TO machines"),
    "FIELD_MISSING": lambda p: p.edit_mapping("player", "SFS_Segment__c", "SFS_Part__c"),
    "FIELD_SHORT": _widened,
    "FIELD_TYPE": lambda p: p.edit_mapping("player", "SFS_Segment__c, length: 40", "SFS_Segment__c, type: instant"),
    "PICKLIST_VALUES": lambda p: p.edit_mapping("player", "values: [STANDARD,", "values: [PLATINUM, STANDARD,"),
    "RECORD_TYPE": lambda p: p.edit_mapping("shop", "record_type: Shop", "record_type: Kiosk"),
    "OBJECT_MISSING": lambda p: p.edit_mapping("terminal", "object: Asset", "object: Machine__c"),
    "KEY_NOT_UNIQUE": lambda p: p.edit_mapping("company", "key: SFS_Company_Code__c", "key: AccountNumber"),
}


@pytest.mark.parametrize("code", DRIFTS)
def test_drift(project: Project, code: str) -> None:
    DRIFTS[code](project)
    done = look(project, 8)
    assert code in lines(done, "red")
    assert lines(done, "red")[code]["mapping"]


def test_warnings_are_yellow_and_no_failure(project: Project) -> None:
    (project.folder / ".sfsync").chmod(0o755)
    (project.folder / ".sfsync/hash.key").unlink()
    project.control("limits", DailyApiRequests={"Max": 1000, "Remaining": 30}, DataStorageMB={"Remaining": 0})
    project.control("clock", advance_s=600)
    done = look(project, 0)
    assert {"FOLDER_OPEN", "KEY_NEW", "LIMIT_LOW", "BUDGET_USED_UP", "CLOCK_SKEW"} == set(lines(done, "yellow"))
    assert "ahead of this machine" in lines(done, "yellow")["CLOCK_SKEW"]["message"]
    assert not (project.folder / ".sfsync/hash.key").exists()  # looking makes nothing


def test_no_configuration_file_is_worth_a_line(project: Project) -> None:
    (project.folder / "sfsync.toml").unlink()
    env = {"SFSYNC_SALESFORCE__AUTH": "session", "SFSYNC_SALESFORCE__INSTANCE_URL": project.ready.instance_url}
    assert set(lines(look(project, 0, **env), "yellow")) == {"NO_FILE"}


def test_a_version_the_org_does_not_serve(project: Project) -> None:
    done = look(project, 2, SFSYNC_SALESFORCE__API_VERSION="99.0")
    assert "API_VERSION" in lines(done, "red")
    assert "66.0" in lines(done, "red")["API_VERSION"]["next_step"]


LEDGERS = {
    "LEDGER_VERSION": "UPDATE meta SET value = '999' WHERE name = 'schema'",
    "OTHER_ORG": "UPDATE meta SET value = '00D000000000000AAA' WHERE name = 'org'",
    "OTHER_PLATFORM": "UPDATE meta SET value = 'sqlite:0' WHERE name = 'platform'",
    "AUDIT_CHANGED": "UPDATE audit SET actor = 'somebody' WHERE seq = 1",
    "AUDIT_GAP": "DELETE FROM audit WHERE seq = 1",
    "AUDIT_CUT": "DELETE FROM audit WHERE seq = 2",
}


@pytest.fixture
def synced(project: Project) -> Project:
    assert project.run("sync", "company").exit == 0
    return project


@pytest.mark.parametrize("code", LEDGERS)
def test_a_wrong_ledger(synced: Project, code: str) -> None:
    connection = sqlite3.connect(synced.folder / ".sfsync/ledger.db")
    with connection:
        connection.execute(LEDGERS[code])
    connection.close()
    assert code in lines(look(synced, 2), "red")


def test_a_lost_key_is_not_replaced(synced: Project) -> None:
    (synced.folder / ".sfsync/ledger.key").unlink()
    assert "LEDGER_KEY" in lines(look(synced, 2), "red")
    assert not (synced.folder / ".sfsync/ledger.key").exists()


def test_a_run_under_way_is_told(synced: Project) -> None:
    from sfsync.ledger import lease
    from sfsync.ledger.store import Ledger

    folder = synced.folder / ".sfsync"
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}", folder, (folder / "ledger.key").read_bytes())
    with lease.acquire(ledger, "mapping:shop"):
        found = lines(look(synced, 0), "yellow")
    ledger.close()
    assert found["LEASE_HELD"]["mapping"] == "shop"


def test_postgresql_too(project: Project, new_postgres: Callable[..., str]) -> None:
    done = look(project, 0, SFSYNC_PLATFORM__URL=new_postgres(tables=True), SFSYNC_LEDGER__URL=new_postgres())
    assert "PostgreSQL" in done.out
    assert not lines(done, "red")
