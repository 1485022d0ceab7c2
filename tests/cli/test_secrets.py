"""No personal value and no secret in anything sfsync says or keeps, whatever happens.

The platform is full of marked values (``canaries``); every command runs with them, in good and in bad weather.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sfsync.cli.edge import guarded
from tests.cli.canaries import (
    HIDDEN,
    PERSONAL,
    REFUSED,
    SECRETS,
    STAYING,
    Watch,
    in_bytes,
    in_folder,
    plant,
    seen,
    texts,
)
from tests.cli.project import Project

SHOWN = texts(PERSONAL) | {"77665544.33", "665544.33", REFUSED}


@pytest.fixture
def watch(project: Project) -> Iterator[Watch]:
    """A project full of canaries; one player is refused by the org with a message that quotes the value."""
    plant(project)
    project.sql(
        "UPDATE players SET kyc_status = :value WHERE player_id = (SELECT min(player_id) FROM players)", value=REFUSED
    )
    project.edit_mapping(
        "player", "type: picklist, values: [none, pending, verified, expired, rejected], ", "type: picklist, "
    )
    yield Watch(project)


def test_the_canaries_are_seen_where_they_may_be(watch: Watch) -> None:
    """The search itself works: values are on the platform and, asked for, on the screen."""
    assert in_bytes(watch.project.database, STAYING) >= {"qzstreet 77", "qzdoc7700", "qzlaunder", "1977-07-07"}
    done = watch("plan", "--show-values", "--limit", "5000", allowed=SHOWN)
    assert seen(done.said) >= texts(PERSONAL) - {"qzsubcategory"}


def test_plans(watch: Watch) -> None:
    watch("--log-format", "json", "plan", "--full", "--out", "saved")
    assert not in_folder(watch.project.folder / "saved")
    watch("apply", "saved", "--dry-run", "--json")
    watch("plan", "--json", "--limit", "1000")
    watch("sync", "--dry-run")
    watch("apply", "saved", exit=3)
    watch("apply", "saved", "--json", exit=5)  # stale now


def test_a_day(watch: Watch, org_folder: Path) -> None:
    """Sync with a refused row, look at everything, decide a conflict, undo: one life, so that the ledger fills."""
    done = watch("sync", "--json", exit=3)
    assert watch.project.ready.access_token not in done.said
    _stays_home(org_folder)
    _looking(watch)
    _refused(watch)
    _conflict(watch)
    _undo(watch)
    _kept_private(watch.project)


def _stays_home(org_folder: Path) -> None:
    files = [p for p in org_folder.rglob("*") if p.is_file()]
    assert any(in_bytes(p, {"qzlast"}) for p in files)  # the search works
    assert not {p.name: hits for p in files if (hits := in_bytes(p, STAYING))}


def _looking(watch: Watch) -> None:
    for noun in ("status", "failures", "conflicts", "holds", "audit", "doctor"):
        watch(noun)
        watch(noun, "--json")
    watch("audit", "--verify", "--json")
    for mapping, table, column in (("player", "players", "player_id"), ("case", "cases", "source_key")):
        key = watch.project.sql(f"SELECT min({column}) FROM {table}")[0][0]
        watch("explain", mapping, key)
        watch("explain", mapping, key, "--json")
        assert seen(watch("explain", mapping, key, "--show-values", allowed=SHOWN).said)  # asked for, they are shown


def _refused(watch: Watch) -> None:
    assert [row["fields"] for row in watch("failures", "--json").json] == ["SFS_Kyc_Status__c"]
    watch("failures", "retry")
    watch("--log-format", "json", "sync", exit=3)


def _conflict(watch: Watch) -> None:
    project = watch.project
    email = "salesforce: SFS_Shop_Email__c, type: email, length: 80, owner: "
    project.edit_mapping("shop", f"{email}newest", f"{email}manual")
    _edit_in_salesforce(project, "Account", "SFS_Shop_Code__c", {"SFS_Shop_Email__c": "qz.shop@example.com.it"})
    project.sql("UPDATE shops SET email = 'other.qz.shop@example.com', updated_at = datetime('now')")
    watch("sync", exit=None)
    conflict = watch("conflicts", "--json").json[0]["conflict_id"]
    watch("conflicts")
    watch("conflicts", "show", conflict)
    shown = watch("conflicts", "show", conflict, "--show-values", allowed=SHOWN)
    assert seen(shown.said) == {"qz.shop@example.com"}
    watch("conflicts", "resolve", conflict, "--take", "platform")


def _edit_in_salesforce(project: Project, name: str, key: str, values: dict[str, str]) -> None:
    import requests

    head = {"Authorization": f"Bearer {project.ready.access_token}"}
    root = f"{project.ready.instance_url}/services/data/v60.0"
    query = {"q": f"SELECT Id FROM {name} WHERE {key} != null"}
    for row in requests.get(f"{root}/query", params=query, headers=head, timeout=30).json()["records"]:
        answer = requests.patch(f"{root}/sobjects/{name}/{row['Id']}", json=values, headers=head, timeout=30)
        assert answer.status_code == 204, answer.text


def _undo(watch: Watch) -> None:
    watch("undo", "last", "--dry-run", "--json")
    watch("undo", "last", "--dry-run", "--show-values", allowed=SHOWN)
    watch("undo", "last", "--yes", exit=None)
    watch("holds")


def _kept_private(project: Project) -> None:
    """Only the owner can read what sfsync keeps; token and key are in no other file."""
    folder = project.folder / ".sfsync"
    assert not [p for p in (folder, *folder.glob("*")) if p.is_file() and p.stat().st_mode & 0o077]
    assert not folder.stat().st_mode & 0o077
    kept = {p.name: p.read_bytes() for p in project.folder.rglob("*") if p.is_file()}
    assert not [name for name, body in kept.items() if project.ready.access_token.encode() in body]
    assert [name for name, body in kept.items() if kept["ledger.key"] in body] == ["ledger.key"]


FAULTS = [
    {
        "kind": "status",
        "status": 400,
        "body": [{"errorCode": "INVALID_FIELD", "message": f"bad value {REFUSED} qztoken"}],
    },
    {
        "kind": "status",
        "status": 500,
        "body": [{"errorCode": "UNKNOWN_EXCEPTION", "message": f"{REFUSED}"}],
        "times": 2,
    },
    {"kind": "status", "status": 403, "body": [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": f"{REFUSED}"}]},
    {"kind": "status", "status": 404, "body": f"<html>{REFUSED}</html>"},
    {"kind": "truncate", "times": 1},
    {"kind": "drop_after", "times": 1},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f['kind']}-{f.get('status', '')}")
def test_an_org_that_answers_badly(watch: Watch, fault: dict[str, object]) -> None:
    watch.project.control("faults", faults=[{"match": "POST .*/composite", "after": 1, **fault}])
    done = watch("--log-format", "json", "sync", "--json", exit=None)
    assert done.exit != 1, done


def test_ends_that_are_down(watch: Watch) -> None:
    down = "postgresql://qzuser2:qzpassword@127.0.0.1:1/base"
    for arguments in (["sync", "--json"], ["doctor"]):
        watch(*arguments, exit=9, SFSYNC_PLATFORM__URL=down)
        watch(*arguments, exit=9, SFSYNC_LEDGER__URL=down)
    for token in ("qztoken", "00Dxx!qztoken", "qztoken\nqzsecret"):
        watch("doctor", exit=9, SFSYNC_SALESFORCE__ACCESS_TOKEN=token)
        watch("sync", exit=9, SFSYNC_SALESFORCE__ACCESS_TOKEN=token)
    watch("doctor", "--json", exit=9, SFSYNC_SALESFORCE__INSTANCE_URL="http://127.0.0.1:1")


@pytest.mark.slow
def test_an_org_that_is_away(watch: Watch) -> None:
    watch("sync", "--json", exit=9, SFSYNC_SALESFORCE__INSTANCE_URL="http://127.0.0.1:1")


def test_wrong_credentials(watch: Watch, tmp_path: Path) -> None:
    key = tmp_path / "server.key"
    key.write_text("-----BEGIN qzsecret")
    key.chmod(0o600)
    org = "SFSYNC_SALESFORCE__"
    known = {
        f"{org}USERNAME": watch.project.ready.username,
        f"{org}CONSUMER_KEY": "qztoken",
        f"{org}CONSUMER_SECRET": "qzsecret",
    }
    watch("sync", exit=2, **known, **{f"{org}AUTH": "jwt", f"{org}PRIVATE_KEY_FILE": str(key)})
    for auth in ("password", "client-credentials"):
        watch("sync", "--json", exit=9, **known, **{f"{org}AUTH": auth, f"{org}PASSWORD": "qzpassword"})
        watch("doctor", exit=9, **known, **{f"{org}AUTH": auth, f"{org}PASSWORD": "qzpassword"})
    soap = {f"{org}AUTH": "password", f"{org}USERNAME": "x@y.example", f"{org}PASSWORD": "qzpassword"}
    watch("sync", exit=9, **soap, **{f"{org}SECURITY_TOKEN": "qztoken"})


BAD = {
    "SFSYNC_PLATFORM__URL": [
        "mysql://u:qzpassword@h/d",
        "qzpassword",
        "postgresql://u:qzpassword@h:port/d",
        "sqlite:///qz?password=qzpassword",
    ],
    "SFSYNC_LEDGER__URL": ["mysql://u:qzpassword@h/d", "qzpassword@", "postgresql://u:qzpassword@h:port/d"],
    "SFSYNC_SALESFORCE__INSTANCE_URL": ["http://u:qzpassword@example.com", "https://[qzpassword", "qzpassword"],
    "SFSYNC_SALESFORCE__TIMEOUT_S": ["qzsecret"],
    "SFSYNC_PLATFORM": ["qzpassword", '{"url": 3, "x": "qzsecret"}'],
    "SFSYNC_LEDGER__KEY": ["qzkey"],
    "SFSYNC_BUDGET__PER_RUN": ["qzsecret"],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_wrong_settings_are_told_without_their_values(watch: Watch, name: str, value: str) -> None:
    for arguments in (["plan", "--json"], ["doctor"]):
        done = watch(*arguments, exit=None, **{name: value})
        assert done.exit in (2, 9), (arguments, done)
        assert "qzkey" not in done.said


def test_keys_given_by_the_environment_stay_there(watch: Watch) -> None:
    keys = {"SFSYNC_LEDGER__KEY": SECRETS[-1], "SFSYNC_PRIVACY__HASH_KEY": SECRETS[-1] + "2"}
    for arguments in (["sync", "--json"], ["status"], ["doctor"], ["audit", "--json"]):
        watch(*arguments, exit=None, **keys)


@pytest.mark.parametrize("point", ["apply.written", "ledger.outcome.middle"])
def test_a_killed_run(watch: Watch, point: str) -> None:
    watch.dying("--log-format", "json", "sync", "--json", SFSYNC_FAULTPOINT=point)
    for noun in ("status", "failures", "doctor"):
        watch(noun)


def test_a_defect_names_places_not_values(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def broken() -> None:
        raise ValueError("player Qzlast qztoken")

    assert guarded(broken, []) == 1
    said = "".join(capsys.readouterr())
    assert not seen(said, HIDDEN)
    assert "ValueError" in said
