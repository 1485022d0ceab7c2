"""``sfsync org deploy``: an org without our fields, then with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfsync.rehearsal.serve import Ready, running
from tests.cli.project import Done, Project, run

_LOST = (
    '<CustomField xmlns="http://soap.sforce.com/2006/04/metadata"><fullName>Lost__c</fullName><label>Lost</label>'
    "<type>Lookup</type><referenceTo>Nowhere__c</referenceTo></CustomField>"
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    with running(tmp_path_factory.mktemp("empty-org")) as ready:
        yield ready


@pytest.fixture
def fresh(empty: Ready, tmp_path: Path) -> Project:
    done = run(tmp_path, "init", "fresh", "--instance-url", empty.instance_url, "--auth", "session")
    assert done.exit == 0, done.err
    return Project(tmp_path / "fresh", empty)


def missing(done: Done) -> list[str]:
    """What doctor finds wrong with the org's objects and fields."""
    ours = ("Salesforce fields", "Salesforce permissions")
    return [one["message"] for one in done.json["checks"] if one["check"] in ours and one["state"] == "red"]


def test_what_the_org_refuses_is_named_and_nothing_written(fresh: Project) -> None:
    lost = fresh.folder / "force-app/main/default/objects/Account/fields/Lost__c.field-meta.xml"
    lost.write_text(_LOST, "utf-8")
    done = fresh.run("org", "deploy", "--json")
    assert (done.exit, done.json["exit"], done.json["counts"]["failed"]) == (8, 8, 1)
    (finding,) = done.json["findings"]
    assert finding["code"] == "COMPONENT_REFUSED"
    assert finding["message"].startswith("CustomField Account.Lost__c: In field: referenceTo")
    said = fresh.run("org", "deploy").said
    assert "failed CustomField Account.Lost__c" in said
    assert "nothing was written" in said


def test_after_a_deploy_the_fields_are_there(fresh: Project) -> None:
    checked = fresh.run("org", "deploy", "--dry-run", "--json")
    assert (checked.exit, checked.json["check_only"]) == (0, True)
    assert "the org shows no field Account.SFS_Player_Id__c" in missing(fresh.run("doctor", "--json"))
    deployed = fresh.run("org", "deploy")
    assert deployed.exit == 0, deployed.err
    assert f"{checked.json['counts']['created']:,} created" in deployed.said
    assert "permission set SFS_Integration" in deployed.said
    fresh.clear_cache()
    assert missing(fresh.run("doctor", "--json")) == []
    again = fresh.run("org", "deploy", "--json").json
    assert {word: number for word, number in again["counts"].items() if number} == {
        "unchanged": checked.json["counts"]["created"]
    }


def test_a_folder_without_metadata_is_a_wrong_configuration(fresh: Project) -> None:
    done = fresh.run("org", "deploy", "mappings", "--json")
    assert (done.exit, json.loads(done.out)["error"]["code"]) == (2, "METADATA_NONE")
