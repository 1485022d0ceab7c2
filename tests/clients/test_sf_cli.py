"""The Salesforce CLI's login, ``sobject`` and ``data`` commands, run unchanged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients import shop
from tests.clients.conftest import Org, bought, run

FORCE_APP = Path(__file__).parents[2] / "force-app"
VERSION = {"@salesforce/cli": "2.116.6"}
# The newest of this library asks for a newer Node.js than the CLI that uses it does.
OLDER = {"undici": "^6.21.0"}
# It talks to nobody but the org: no figures sent home, no search for a newer one.
QUIET = {"SF_DISABLE_TELEMETRY": "true", "SF_DISABLE_AUTOUPDATE": "true", "SF_SKIP_NEW_VERSION_CHECK": "true"}
Sf = Callable[..., Any]


@pytest.fixture(scope="module")
def program() -> Path:
    return bought(lambda: shop.node("sf", VERSION, OLDER)) / "node_modules" / ".bin" / "sf"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def sf(program: Path, home: Path, org: Org) -> Sf:
    """Runs ``sf … --json`` and returns its result; ``fails`` returns the whole answer of a command that must."""
    env = org.environment(HOME=str(home), **QUIET)
    env["PATH"] = f"{program.parent}:{env['PATH']}"

    def call(*words: str, fails: bool = False, folder: Path = home) -> Any:
        done = run(["sf", *words, "--json"], folder, env)
        assert (done.returncode != 0) is fails, done.stdout[-2000:] + done.stderr[-500:]
        told = json.loads(done.stdout)
        return told if fails else told["result"]

    url = org.ready.instance_url
    call("org", "login", "access-token", "--instance-url", url, "--no-prompt", "--set-default")
    return call


@pytest.mark.slow
class TestSobject:
    def test_list(self, sf: Sf) -> None:
        assert {"Account", "Case", "UpsertTable__c"} <= set(sf("sobject", "list", "--sobject", "all"))
        assert set(sf("sobject", "list", "--sobject", "custom")) == {"UpsertTable__c", "BigTable__c"}

    def test_describe(self, sf: Sf) -> None:
        found = sf("sobject", "describe", "--sobject", "UpsertTable__c")
        assert "ExtId__c" in {one["name"] for one in found["fields"]}


@pytest.mark.slow
class TestRecord:
    def test_life_of_a_record(self, sf: Sf) -> None:
        made = sf("data", "create", "record", "--sobject", "Account", "--values", "Name='Acme' AccountNumber=77")
        where = ("--sobject", "Account", "--where", "AccountNumber='77'")
        sf("data", "update", "record", *where, "--values", "Name='Acme 2'")
        assert sf("data", "get", "record", *where)["Name"] == "Acme 2"
        found = sf("data", "query", "--query", "SELECT Id, Name FROM Account WHERE AccountNumber = '77'")
        assert [one["Id"] for one in found["records"]] == [made["id"]]
        sf("data", "delete", "record", *where)
        assert sf("data", "query", "--query", "SELECT Id FROM Account WHERE AccountNumber = '77'")["totalSize"] == 0

    def test_a_wrong_query(self, sf: Sf) -> None:
        told = sf("data", "query", "--query", "SELECT Nme FROM Account", fails=True)
        assert "No such column 'Nme' on entity 'Account'" in told["message"]

    def test_query_as_table_and_csv(self, sf: Sf, program: Path, home: Path, org: Org) -> None:
        sf("data", "create", "record", "--sobject", "UpsertTable__c", "--values", "Name=Shown ExtId__c=q1")
        env = org.environment(HOME=str(home), **QUIET)
        env["PATH"] = f"{program.parent}:{env['PATH']}"
        soql = "SELECT Name, ExtId__c FROM UpsertTable__c WHERE ExtId__c = 'q1'"
        done = run(["sf", "data", "query", "--query", soql, "--result-format", "csv"], home, env)
        assert done.stdout.split() == ["Name,ExtId__c", "Shown,q1"], done.stdout + done.stderr


@pytest.mark.slow
class TestBulk:
    def test_upsert_export_delete(self, sf: Sf, home: Path) -> None:
        (home / "up.csv").write_text("Name,ExtId__c\n" + "".join(f"Row {n},b{n}\n" for n in range(30)))
        up = ("data", "upsert", "bulk", "--sobject", "UpsertTable__c", "--file", "up.csv", "--external-id", "ExtId__c")
        assert sf(*up, "--wait", "2")["jobInfo"]["numberRecordsProcessed"] == 30
        soql = "SELECT Id FROM UpsertTable__c WHERE ExtId__c LIKE 'b%'"
        told = sf("data", "export", "bulk", "--query", soql, "--output-file", "out.csv", "--wait", "2")
        assert told["totalSize"] == 30
        away = ("data", "delete", "bulk", "--sobject", "UpsertTable__c", "--file", "out.csv")
        assert sf(*away, "--wait", "2")["jobInfo"]["state"] == "JobComplete"

    def test_import_with_a_bad_row(self, sf: Sf, home: Path) -> None:
        (home / "bad.csv").write_text("Name,NumberOfEmployees\nA,1\nB,many\n")
        told = sf("data", "import", "bulk", "--sobject", "Account", "--file", "bad.csv", "--wait", "2", fails=True)
        assert "1 record" in told["message"]


@pytest.mark.slow
def test_tree(sf: Sf, home: Path) -> None:
    contact = {"attributes": {"type": "Contact", "referenceId": "c1"}, "LastName": "Leaf"}
    account = {
        "attributes": {"type": "Account", "referenceId": "a1"},
        "Name": "Tree",
        "Contacts": {"records": [contact]},
    }
    (home / "tree.json").write_text(json.dumps({"records": [account]}))
    assert {one["refId"] for one in sf("data", "import", "tree", "--files", "tree.json")} == {"a1", "c1"}
    soql = "SELECT Id, Name, (SELECT Id, LastName FROM Contacts) FROM Account WHERE Name = 'Tree'"
    sf("data", "export", "tree", "--query", soql, "--prefix", "grown")
    kept = json.loads((home / "grown-Account-Contact.json").read_text())
    assert kept["records"][0]["Contacts"]["records"][0]["LastName"] == "Leaf"


@pytest.mark.slow
def test_search(sf: Sf) -> None:
    sf("data", "create", "record", "--sobject", "Account", "--values", "Name='Findable'")
    found = sf("data", "search", "--query", "FIND {Findable} RETURNING Account(Name)")
    assert [one["Name"] for one in found["searchRecords"]] == ["Findable"]


@pytest.mark.slow
def test_deploy_of_force_app(sf: Sf, home: Path) -> None:
    """The operator's own metadata, and a package of custom objects beside it, as an administrator sends them."""
    project = home / "project"
    shutil.copytree(FORCE_APP, project / "force-app")
    (project / "sfdx-project.json").write_text(
        '{"packageDirectories": [{"path": "force-app"}], "sourceApiVersion": "60.0"}'
    )
    told = sf("project", "deploy", "start", "--source-dir", "force-app", "--wait", "5", folder=project)
    assert (told["status"], told["numberComponentErrors"]) == ("Succeeded", 0)
    assert told["numberComponentsDeployed"] > 200
    found = {one["name"] for one in sf("sobject", "describe", "--sobject", "Case")["fields"]}
    assert any(one.startswith("SFS_") for one in found)
    queues = sf("data", "query", "--query", "SELECT DeveloperName FROM Group WHERE Type = 'Queue'")
    assert queues["totalSize"] > 30
