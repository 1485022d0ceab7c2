"""No personal value and no secret in anything sfsync says or keeps, whatever happens.

The platform is full of marked values (``canaries``); every command runs with them, in good and in bad weather.
"""

from __future__ import annotations

import shutil
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


@pytest.fixture
def synced(watch: Watch) -> Watch:
    """After a first run: one record refused."""
    watch("sync", "--json", exit=3)
    return watch


def test_the_canaries_are_seen_where_they_may_be(watch: Watch) -> None:
    """The search itself works: values are on the platform and, asked for, on the screen."""
    assert in_bytes(watch.project.database, STAYING) >= {"qzstreet 77", "qzdoc7700", "qzlaunder", "1977-07-07"}
    done = watch("plan", "--show-values", "--limit", "5000", allowed=SHOWN)
    assert seen(done.said) >= texts(PERSONAL) - {"qzsubcategory"}


def test_plans(watch: Watch) -> None:
    for arguments in (["plan"], ["plan", "--json"], ["plan", "--json", "--limit", "5000"], ["sync", "--dry-run"]):
        watch(*arguments)
    watch("--log-format", "json", "plan", "--full", "--out", "saved")
    watch("apply", "saved", "--dry-run", "--json")
    watch("plan", "--json", "--show-values", "--limit", "5000", allowed=SHOWN)
    assert not in_folder(watch.project.folder / "saved")
    watch("apply", "saved", exit=3)
    watch("apply", "saved", "--json", exit=2)  # stale now


def test_nothing_that_stays_is_in_the_org(synced: Watch, org_folder: Path) -> None:
    files = [p for p in org_folder.rglob("*") if p.is_file()]
    assert any(in_bytes(p, {"qzlast"}) for p in files)  # the search works
    assert not {p.name: hits for p in files if (hits := in_bytes(p, STAYING))}


def test_looking(synced: Watch) -> None:
    player = synced.project.sql("SELECT min(player_id) FROM players")[0][0]
    case = synced.project.sql("SELECT min(source_key) FROM cases")[0][0]
    for noun in ("status", "failures", "conflicts", "holds", "audit", "doctor"):
        synced(noun, exit=None)
        synced(noun, "--json", exit=None)
    synced("audit", "--verify", "--json")
    for mapping, key in (("player", player), ("case", case)):
        synced("explain", mapping, key)
        synced("explain", mapping, key, "--json")
        done = synced("explain", mapping, key, "--show-values", allowed=SHOWN)
        assert seen(done.said)  # asked for, they are shown


def test_refused_rows_are_told_without_their_values(synced: Watch) -> None:
    done = synced("failures", "--json")
    assert [row["fields"] for row in done.json] == ["SFS_Kyc_Status__c"]
    synced("failures", "retry")
    synced("--log-format", "json", "sync", exit=3)
    synced("sync", "--full", exit=3)


def test_conflicts(synced: Watch) -> None:
    project = synced.project
    project.edit_mapping(
        "shop",
        "salesforce: SFS_Shop_Email__c, type: email, length: 80, owner: newest",
        "salesforce: SFS_Shop_Email__c, type: email, length: 80, owner: manual",
    )
    _edit_in_salesforce(project, "Account", "SFS_Shop_Code__c", {"SFS_Shop_Email__c": "qz.shop@example.com.it"})
    project.sql("UPDATE shops SET email = 'other.qz.shop@example.com', updated_at = datetime('now')")
    synced("sync", exit=None)
    rows = synced("conflicts", "--json").json
    assert rows
    synced("conflicts")
    synced("conflicts", "show", rows[0]["conflict_id"])
    shown = synced("conflicts", "show", rows[0]["conflict_id"], "--show-values", allowed=SHOWN)
    assert seen(shown.said) == {"qz.shop@example.com"}
    synced("conflicts", "resolve", rows[0]["conflict_id"], "--take", "platform")
    synced("sync", "--json", exit=None)


def _edit_in_salesforce(project: Project, name: str, key: str, values: dict[str, str]) -> None:
    import requests

    head = {"Authorization": f"Bearer {project.ready.access_token}"}
    root = f"{project.ready.instance_url}/services/data/v60.0"
    query = {"q": f"SELECT Id FROM {name} WHERE {key} != null"}
    for row in requests.get(f"{root}/query", params=query, headers=head, timeout=30).json()["records"]:
        answer = requests.patch(f"{root}/sobjects/{name}/{row['Id']}", json=values, headers=head, timeout=30)
        assert answer.status_code == 204, answer.text


def test_undo(synced: Watch) -> None:
    for more in ([], ["--json"]):
        synced("undo", "last", "--dry-run", *more)
    synced("undo", "last", "--dry-run", "--show-values", allowed=SHOWN)
    synced("undo", "last", "--yes", "--json", exit=None)
    synced("holds")
    synced("sync", exit=None)


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
        "times": 20,
    },
    {"kind": "status", "status": 403, "body": [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": f"{REFUSED}"}]},
    {"kind": "status", "status": 404, "body": f"<html>{REFUSED}</html>"},
    {"kind": "truncate", "times": 1},
    {"kind": "drop_after", "times": 1},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f['kind']}-{f.get('status', '')}")
@pytest.mark.parametrize("where", ["composite", "query"])
def test_an_org_that_answers_badly(watch: Watch, fault: dict[str, object], where: str) -> None:
    if fault.get("status") == 500 and where == "query":
        pytest.skip("the same way of giving up as for composite; it takes its time")
    watch.project.control("faults", clear=True, faults=[{"match": f"(POST|GET) .*/{where}", "after": 1, **fault}])
    done = watch("--log-format", "json", "sync", "--json", exit=None)
    assert done.exit != 1, done
    watch.project.control("faults", clear=True)
    watch("sync", exit=3)


def test_ends_that_are_down(watch: Watch) -> None:
    down = "postgresql://qzuser2:qzpassword@127.0.0.1:1/base"
    for arguments in (["sync", "--json"], ["plan"], ["doctor"], ["doctor", "--json"]):
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
    for arguments in (["plan"], ["plan", "--json"], ["doctor"], ["doctor", "--json"]):
        done = watch(*arguments, exit=None, **{name: value})
        assert done.exit in (2, 9), (arguments, done)
        assert "qzkey" not in done.said


def test_keys_given_by_the_environment_stay_there(watch: Watch) -> None:
    keys = {"SFSYNC_LEDGER__KEY": SECRETS[-1], "SFSYNC_PRIVACY__HASH_KEY": SECRETS[-1] + "2"}
    for arguments in (["sync", "--json"], ["status"], ["doctor"], ["audit", "--json"]):
        watch(*arguments, exit=None, **keys)


@pytest.mark.parametrize("point", ["sync.planned", "apply.written", "ledger.outcome.middle"])
def test_a_killed_run(watch: Watch, point: str) -> None:
    watch.dying("--log-format", "json", "sync", "--json", SFSYNC_FAULTPOINT=point)
    for noun in ("status", "failures", "holds", "audit", "doctor"):
        watch(noun)
    watch("sync", "--json", exit=3)


def test_the_access_token_is_nowhere(synced: Watch) -> None:
    token = synced.project.ready.access_token
    assert len(token) > 20
    for arguments in (["doctor"], ["status", "--json"], ["audit", "--json"]):
        assert token not in synced(*arguments).said
    folder = synced.project.folder
    assert not [p for p in folder.rglob("*") if p.is_file() and token.encode() in p.read_bytes()]
    key = (folder / ".sfsync/ledger.key").read_bytes()
    assert [p.name for p in folder.rglob("*") if p.is_file() and key in p.read_bytes()] == ["ledger.key"]


def test_a_defect_names_places_not_values(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def broken() -> None:
        raise ValueError("player Qzlast qztoken")

    assert guarded(broken, []) == 1
    said = "".join(capsys.readouterr())
    assert not seen(said, HIDDEN)
    assert "ValueError" in said


def test_a_project_keeps_its_files_to_itself(synced: Watch) -> None:
    """Folders and files of sfsync: only their owner may read them."""
    folder = synced.project.folder / ".sfsync"
    open_ones = [str(p) for p in (folder, *folder.rglob("*")) if p.stat().st_mode & 0o077 and p.parent == folder]
    assert not open_ones
    shutil.rmtree(folder)
