"""Bad input meets a sentence that says what to do, the right exit status, and nothing is written or lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cli.project import Done, Project


def org_rows(project: Project) -> dict[str, int]:
    """How many records the org has, per object that mappings write."""
    head = {"Authorization": f"Bearer {project.ready.access_token}"}
    found = {}
    for name in ("Account", "Contact", "Asset", "Case"):
        query = {"q": f"SELECT COUNT() FROM {name}"}
        url = f"{project.ready.instance_url}/services/data/v60.0/query"
        found[name] = requests.get(url, params=query, headers=head, timeout=30).json()["totalSize"]
    return found


def refuses(project: Project, status: int, code: str, *arguments: str, **env: str) -> Done:
    """The command ends with this status and code, a next step, one JSON document, and has written nothing."""
    before = (project.database.read_bytes(), org_rows(project))
    done = project.run(*(arguments or ("sync",)), "--json", **env)
    assert done.exit == status, done
    error = done.json["error"]
    assert done.json["exit"] == status
    assert error["code"] == code, error
    assert error["next_step"], error
    assert error["message"].split() and "Traceback" not in done.err
    assert code in done.err
    assert (project.database.read_bytes(), org_rows(project)) == before
    return done


# --- configuration ------------------------------------------------------------------------------------------------

FILES: dict[str, tuple[Any, str]] = {
    "not TOML": ("mappings = ", "CONFIG_SYNTAX"),
    "not text": (b"\xff\xfe\x00", "CONFIG_SYNTAX"),
    "unknown key": ('mapings = "x"', "CONFIG_INVALID"),
    "unknown section": ("[salesfroce]\nauth = 'jwt'", "CONFIG_INVALID"),
    "a section that is a number": ("ledger = 5", "CONFIG_INVALID"),
    "a key of ours": ('root = "/"', "CONFIG_INVALID"),
    "wrong kind": ("[budget]\nper_run = 'much'", "CONFIG_INVALID"),
    "out of range": ("[budget]\nper_run = 7", "CONFIG_INVALID"),
    "http": ("[salesforce]\ninstance_url = 'http://example.com'", "CONFIG_INVALID"),
    "a secret for all to read": ("[salesforce]\naccess_token = 'x'", "SECRET_EXPOSED"),
    "a password for all to read": ("[platform]\nurl = 'postgresql://u:p@h/d'", "SECRET_EXPOSED"),
    "no such mappings": ('mappings = "elsewhere"', "MAPPING_FOLDER"),
    "no mappings in it": ('mappings = "force-app"', "MAPPING_NONE"),
    "another ledger": ("[ledger]\nurl = 'sqlite://'", "LEDGER_URL"),
    "nothing to log in with": ("[salesforce]\nauth = 'client-credentials'", "CONFIG_MISSING"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_wrong_configuration(project: Project, case: str) -> None:
    text, code = FILES[case]
    path = project.folder / "sfsync.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o644)
    refuses(project, 2, code)


@pytest.mark.parametrize(
    ("env", "code"),
    [
        ({"SFSYNC_CONFIG": "nowhere.toml"}, "CONFIG_MISSING"),
        ({"SFSYNC_PLATFORM__URL": "oracle://h/d"}, "PLATFORM_URL"),
        ({"SFSYNC_SALESFORCE__ACESS_TOKEN": "x"}, "CONFIG_UNKNOWN"),
        ({"SFSYNC_SALESFROCE__AUTH": "jwt"}, "CONFIG_UNKNOWN"),
        ({"SFSYNC_PLATFORM": "sqlite:///x.db"}, "CONFIG_INVALID"),
        ({"SFSYNC_LEDGER__KEY": "short"}, "KEY_TOO_SHORT"),
        ({"SFSYNC_FAULTPOINT": "nowhere"}, "FAULTPOINT"),
    ],
)
def test_a_wrong_environment(project: Project, env: dict[str, str], code: str) -> None:
    refuses(project, 2, code, **env)


def test_a_key_others_can_read(project: Project) -> None:
    key = project.folder / ".sfsync/ledger.key"
    key.chmod(0o644)
    done = refuses(project, 2, "SECRET_EXPOSED")
    assert f"chmod 600 {key}" in done.json["error"]["next_step"]


# --- mappings -----------------------------------------------------------------------------------------------------

MAPPINGS: dict[str, Callable[[Path], Any]] = {
    "not YAML": lambda p: p.write_text("mapping: [player"),
    "not text": lambda p: p.write_bytes(b"mapping: pl\xe0yer"),
    "a folder": lambda p: (p.unlink(), p.mkdir()),
    "a word misspelt": lambda p: p.write_text(p.read_text().replace("owner: newest", "owner: newst", 1)),
    "a parent unknown": lambda p: p.write_text(p.read_text().replace("references: shop", "references: shops", 1)),
    "empty of fields": lambda p: p.write_text("mapping: player\nfields: {}\n"),
}


@pytest.mark.parametrize("case", MAPPINGS)
def test_an_unreadable_mapping(project: Project, case: str) -> None:
    MAPPINGS[case](project.mapping_folder / "player.yaml")
    done = project.run("plan", "--json")
    assert done.exit == 2, done
    assert "player.yaml" in done.json["error"]["where"]
    assert done.json["error"]["next_step"]


# --- ends ---------------------------------------------------------------------------------------------------------


def test_unreachable_ends(project: Project) -> None:
    refuses(project, 9, "PLATFORM_UNREACHABLE", SFSYNC_PLATFORM__URL="postgresql://u:p@127.0.0.1:1/d")
    refuses(project, 9, "PLATFORM_FILE", SFSYNC_PLATFORM__URL="sqlite:///nowhere.db")
    refuses(project, 9, "PLATFORM_FILE", SFSYNC_PLATFORM__URL="sqlite:///sfsync.toml")
    refuses(project, 9, "INVALID_SESSION_ID", SFSYNC_SALESFORCE__ACCESS_TOKEN="00D!wrong")
    refuses(project, 9, "LEDGER_UNREACHABLE", SFSYNC_LEDGER__URL="postgresql://u:p@127.0.0.1:1/d")


def test_a_platform_that_does_not_fit(project: Project) -> None:
    project.sql("ALTER TABLE players RENAME COLUMN email TO mail")
    done = refuses(project, 8, "DRIFT")
    assert any("players has no column email" in f["message"] for f in done.json["findings"])
    project.sql("ALTER TABLE players RENAME TO gamblers")
    refuses(project, 8, "DRIFT")


def test_an_org_that_does_not_fit(project: Project) -> None:
    project.edit_mapping("player", "salesforce: SFS_Segment__c", "salesforce: SFS_Sgment__c")
    done = refuses(project, 8, "DRIFT")
    assert any("SFS_Sgment__c" in f["message"] for f in done.json["findings"])


# --- plan folders -------------------------------------------------------------------------------------------------

BREAKS: dict[str, Callable[[Path], Any]] = {
    "gone": shutil.rmtree,
    "empty": lambda p: [f.unlink() for f in p.rglob("*") if f.is_file()],
    "header is no JSON": lambda p: next(p.glob("*.json")).write_text("{"),
    "header changed": lambda p: _replace(next(p.glob("*.json")), '"sync"', '"undo"'),
    "a part is missing": lambda p: next(p.rglob("*.parquet")).unlink(),
    "a part is cut": lambda p: _cut(next(p.rglob("*.parquet"))),
}


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize("case", BREAKS)
def test_a_broken_plan_folder(project: Project, case: str) -> None:
    done = project.run("plan", "company", "shop", "--out", "saved", "--json")
    assert done.exit == 0, done
    BREAKS[case](project.folder / "saved")
    code = "PLAN_MISSING" if case in ("gone", "empty") else "PLAN_BROKEN"
    done = refuses(project, 2, code, "apply", "saved")
    assert "sfsync plan" in done.json["error"]["next_step"]


def test_a_plan_of_another_mapping(project: Project) -> None:
    assert project.run("plan", "company", "--out", "saved").exit == 0
    project.edit_mapping("company", "length: 255", "length: 254")
    refuses(project, 5, "PLAN_STALE", "apply", "saved")


def test_a_plan_that_would_be_written_over(project: Project) -> None:
    """Somebody's files are never replaced by a plan."""
    (project.folder / "mine").mkdir()
    (project.folder / "mine/letter.txt").write_text("dear")
    done = project.run("plan", "company", "--out", "mine", "--json")
    assert done.exit == 2, done
    assert (project.folder / "mine/letter.txt").read_text() == "dear"


# --- the ledger ---------------------------------------------------------------------------------------------------


@pytest.fixture
def synced(project: Project) -> Project:
    """A project whose companies are in step."""
    done = project.run("sync", "company", "--json")
    assert done.exit == 0, done
    return project


def _ledger(project: Project, statement: str) -> None:
    connection = sqlite3.connect(project.folder / ".sfsync/ledger.db")
    with connection:
        connection.execute(statement)
    connection.close()


def test_a_ledger_of_another_version(synced: Project) -> None:
    _ledger(synced, "UPDATE meta SET value = '999' WHERE name = 'schema'")
    refuses(synced, 2, "LEDGER_VERSION")
    refuses(synced, 2, "LEDGER_VERSION", "status")


def test_a_ledger_under_another_key(synced: Project) -> None:
    (synced.folder / ".sfsync/ledger.key").write_text("f" * 64)
    refuses(synced, 2, "LEDGER_KEY")
    (synced.folder / ".sfsync/ledger.key").unlink()
    refuses(synced, 2, "LEDGER_KEY")


def test_a_ledger_that_is_damaged(synced: Project) -> None:
    path = synced.folder / ".sfsync/ledger.db"
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (path.parent / name).unlink(missing_ok=True)
    path.write_bytes(b"no ledger" * 1000)
    refuses(synced, 2, "LEDGER_DAMAGED")


def test_a_ledger_of_another_org(synced: Project) -> None:
    _ledger(synced, "UPDATE meta SET value = '00D000000000000AAA' WHERE name = 'org'")
    refuses(synced, 5, "OTHER_ORG")


# --- records ------------------------------------------------------------------------------------------------------


def failures(project: Project) -> dict[str, str]:
    """Refused and held-back records: key -> code."""
    done = project.run("failures", "--json")
    return {row["key"]: row["code"] for row in done.json}


ROWS = {
    "too long": ("username", "u" * 65, "VALUE_TOO_LONG"),
    "another encoding": ("last_name", b"Forl\xec", "TEXT_ENCODING"),
    "no date": ("last_login_on", "yesterday", "VALUE_TYPE"),
    "a date before 1700": ("last_login_on", "1699-12-31", "VALUE_RANGE"),
    "an instant beyond the calendar": ("registered_at", "9999-01-01 00:00:00", "VALUE_RANGE"),
    "no boolean": ("bonus_blocked", "perhaps", "VALUE_TYPE"),
    "no number of a list": ("tier", "PLATINUM", "VALUE_UNKNOWN"),
    "no address": ("email", "not an address", "VALUE_FORMAT"),
    "nothing where something must be": ("last_name", "  ", "REQUIRED"),
}


def test_one_bad_row_costs_no_other(project: Project) -> None:
    """Every kind of bad value at once, each in a row of its own: the others go, each bad one is told by its code."""
    keys = [row[0] for row in project.sql("SELECT player_id FROM players ORDER BY player_id")]
    wanted = {}
    for key, (column, value, code) in zip(keys, ROWS.values(), strict=False):
        wanted[key] = code
        project.sql(f"UPDATE players SET {column} = CAST(:value AS TEXT) WHERE player_id = :key", value=value, key=key)
    done = project.run("sync", "--json")
    assert done.exit == 3, done
    assert failures(project) == wanted
    players = done.json["mappings"]["player"]["salesforce"]
    assert players["created"] == len(keys) - len(wanted)
    assert players["failed"] == len(wanted)
    assert not done.json["findings"]
    for (_column, value, _), key in zip(ROWS.values(), keys, strict=False):
        assert isinstance(value, bytes) or value.strip() == "" or value not in project.run("failures").said, key


def test_a_row_without_a_key_is_said(project: Project) -> None:
    """It is in no list by key; without a finding nobody would learn why the run says that rows were refused."""
    project.sql("UPDATE players SET player_id = '' WHERE player_id = (SELECT min(player_id) FROM players)")
    done = project.run("sync", "--json")
    assert done.exit == 3, done
    assert done.json["mappings"]["player"]["salesforce"]["failed"] == 1
    [finding] = done.json["findings"]
    assert (finding["code"], finding["mapping"]) == ("KEY_NULL", "player")
    assert "players.player_id" in finding["next_step"]


def test_a_bad_row_that_is_mended_goes(project: Project) -> None:
    [key] = project.sql("SELECT min(player_id) FROM players")[0]
    project.sql("UPDATE players SET tier = 'PLATINUM' WHERE player_id = :key", key=key)
    assert project.run("sync", "--json").exit == 3
    project.sql("UPDATE players SET tier = 'VIP', updated_at = datetime('now') WHERE player_id = :key", key=key)
    done = project.run("sync", "--json")
    assert done.exit == 0, done
    assert done.json["mappings"]["player"]["salesforce"]["created"] == 1
    assert not failures(project)


def _without_key(project: Project) -> None:
    """The same tables as an export would give them: no primary key, so a key may be null or come twice."""
    project.sql("CREATE TABLE copy AS SELECT * FROM companies")
    project.sql("PRAGMA foreign_keys = OFF")
    project.sql("DROP TABLE companies")
    project.sql("ALTER TABLE copy RENAME TO companies")


def test_keys_that_are_null_or_come_twice(project: Project) -> None:
    _without_key(project)
    project.sql("INSERT INTO companies SELECT * FROM companies LIMIT 1")
    project.sql(
        "INSERT INTO companies (company_code, legal_name, state, updated_at) VALUES (NULL, 'X', 'active', '2026-01-01')"
    )
    before = org_rows(project)
    done = project.run("sync", "company", "--json")
    assert done.exit == 5, done
    assert "KEY_TWICE" in json.dumps(done.json)
    assert org_rows(project) == before
    waived = project.run("sync", "company", "--json", "--waive", "KEY_TWICE")
    assert waived.exit == 3, waived
    numbers = waived.json["mappings"]["company"]["salesforce"]
    assert numbers["failed"] >= 2, numbers


# --- the command line ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["sync", "gamblers"], "company, shop, operator, player, terminal, case"),
        (["plan", "--as-of", "yesterday"], "is not an instant"),
        (["plan", "--as-of", "2026-11-22T15:00:00"], "has no zone"),
        (["plan", "--limit", "many"], "not a valid integer"),
        (["explain", "player", "NOBODY"], "neither side nor the ledger knows"),
        (["explain", "gambler", "P-1"], "there is no mapping"),
        (["undo", "20200101T000000Z-ffff", "--yes"], "no such run"),
        (["undo", "last", "--yes"], "no run has written anything"),
        (["conflicts", "show", "no-such"], "no such conflict"),
        (["conflicts", "resolve", "no-such", "--take", "platform"], "no such conflict"),
        (["conflicts", "resolve", "x", "--take", "both"], "'both' is not one of"),
        (["failures", "--mapping", "gamblers"], "there is no mapping"),
        (["holds", "release", "gamblers"], "there is no mapping"),
        (["failures", "retry", "gamblers"], "there is no mapping"),
        (["apply", "nowhere"], "nowhere"),
        (["frobnicate"], "No such command"),
        (["sync", "--frobnicate"], "No such option"),
        (["--log-format", "xml", "status"], "xml"),
    ],
)
def test_wrong_usage(project: Project, arguments: list[str], word: str) -> None:
    done = project.run(*arguments)
    assert done.exit == 2, done
    assert word in done.said, done.err
    assert "Traceback" not in done.err
    assert not done.out


@pytest.mark.parametrize(
    "arguments", [["sync", "--as-of", "soon"], ["plan", "--frobnicate"], ["-c", "mappings", "status"]]
)
def test_wrong_usage_is_a_document_too(project: Project, arguments: list[str]) -> None:
    done = project.run(*arguments, "--json")
    assert (done.exit, done.json["exit"], done.json["error"]["code"]) == (2, 2, "USAGE")
    assert done.json["error"]["message"] in done.said
