from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.metadata.package import read_folder
from sfsync.rehearsal.org import Org
from sfsync.rehearsal.schema.build import build

_CHILD = """
import sys, time
from pathlib import Path
from sfsync.rehearsal.org import Org
org = Org.open(Path(sys.argv[1]))
for number in range(100000):
    result = org.insert("Account", [{"Name": f"n{number}"}])[0]
    print(result.id, flush=True)
"""


def test_an_acknowledged_write_survives_kill_9(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = [child.stdout.readline().strip() for _ in range(25)]
    os.kill(child.pid, signal.SIGKILL)
    acknowledged += child.stdout.read().split()
    child.wait()
    child.stdout.close()
    org = Org.open(tmp_path)
    assert [row and row["Id"] for row in org.retrieve_many("Account", acknowledged, ["Id"])] == acknowledged
    assert org.insert("Account", [{"Name": "after"}])[0].id not in acknowledged
    org.close()


def test_state_outlives_a_restart_and_reset_takes_all_but_the_schema(tmp_path: Path, force_app: Path) -> None:
    org = Org.open(tmp_path, force_app=force_app)
    org.state_put("session", "b", {"x": 1})
    org.state_put("session", "a", {"x": 2})
    org.state_put("session", "b", {"x": 3})
    org.insert("Account", [{"Name": "a"}])
    (org.files_dir / "body.csv").write_text("x")
    identity = (org.org_id, org.user_id, org.username)
    org.close()
    org = Org.open(tmp_path, force_app=force_app)
    assert org.state_list("session") == {"a": {"x": 2}, "b": {"x": 3}}
    assert org.state_get("session", "none") is None
    org.state_delete("session", "a")
    assert list(org.state_list("session")) == ["b"]
    org.reset()
    assert (org.org_id, org.user_id, org.username) == identity
    assert org.state_list("session") == {}
    assert list(org.files_dir.iterdir()) == []
    assert org.query("SELECT COUNT() FROM Account").total_size == 0
    assert org.query("SELECT COUNT() FROM RecordType").total_size == 2
    org.close()


def test_a_field_that_force_app_gains_is_added(tmp_path: Path, force_app: Path) -> None:
    org = Org.open(tmp_path)
    org.insert("Account", [{"Name": "a"}])
    org.close()
    org = Org.open(tmp_path, force_app=force_app)
    row = next(org.query("SELECT Name, Blocked__c, Shop_Code__c FROM Account").records)
    assert (row["Name"], row["Blocked__c"], row["Shop_Code__c"]) == ("a", False, None)
    org.close()


def test_threads_write_one_after_the_other(org: Org) -> None:
    failures: list[str] = []

    def work(thread: int) -> None:
        for number in range(20):
            result = org.insert("Account", [{"Name": f"{thread}-{number}"}])[0]
            if not result.success or org.query(f"SELECT Id FROM Account WHERE Id = '{result.id}'").total_size != 1:
                failures.append(str(result))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []
    assert org.query("SELECT COUNT() FROM Account").total_size == 160


def test_retrieve_appends_the_id_and_finds_by_key(org: Org) -> None:
    record = str(org.insert("Account", [{"Name": "a", "Shop_Code__c": "X1"}])[0].id)
    assert list(org.retrieve("account", record[:15], ["Name"])) == ["attributes", "Name", "Id"]
    assert org.retrieve_by("Account", "Shop_Code__c", "x1", ["Name"])["Id"] == record
    assert org.retrieve_many("Account", ["001Rh0000zzzzzz", record], ["Id"])[0] is None
    with pytest.raises(OrgError, match="does not exist or is not accessible: 23foo"):
        org.retrieve("Account", "23foo")
    with pytest.raises(OrgError, match="does not exist or is not accessible: Namez"):
        org.retrieve_by("Account", "Namez", "x")
    with pytest.raises(OrgError, match="NOT_FOUND"):
        org.retrieve_by("Account", "Shop_Code__c", "none")


def test_describe_tells_what_the_engine_does(org: Org) -> None:
    described = org.describe("account")
    fields = {one["name"]: one for one in described["fields"]}
    assert all(len(one) == 57 for one in described["fields"])
    code = fields["Shop_Code__c"]
    assert (code["unique"], code["externalId"], code["idLookup"], code["caseSensitive"]) == (True, True, True, False)
    assert (code["length"], code["byteLength"], code["soapType"]) == (12, 36, "xsd:string")
    assert [one["value"] for one in fields["Tier__c"]["picklistValues"]] == ["STANDARD", "VIP"]
    assert fields["Tier__c"]["restrictedPicklist"]
    assert (fields["Limit__c"]["precision"], fields["Limit__c"]["scale"]) == (18, 2)
    assert fields["Signup_Shop__c"]["relationshipName"] == "Signup_Shop__r"
    assert not fields["Note__c"]["filterable"]
    assert {"Contacts", "Signup_Players__r"} <= {one["relationshipName"] for one in described["childRelationships"]}
    assert [one["developerName"] for one in described["recordTypeInfos"]] == ["Player", "Shop", "Master"]
    assert described["recordTypeInfos"][-1]["recordTypeId"] == "012000000000000AAA"
    entry = next(one for one in org.describe_global()["sobjects"] if one["name"] == "Account")
    assert len(entry) == 28
    assert entry["keyPrefix"] == "001"
    with pytest.raises(OrgError, match="NOT_FOUND"):
        org.describe("Nope")


def test_the_projects_own_metadata_loads() -> None:
    schema = build(read_folder(Path(__file__).parents[3] / "force-app"))
    account = schema.objects["Account"]
    assert account.has("SFS_Player_Id__c")
    assert [one.developer_name for one in account.record_types if one.person] == ["Player"]
    assert schema.queues


def test_every_org_has_its_standard_price_book_once(tmp_path: Path, force_app: Path) -> None:
    for _ in range(2):
        org = Org.open(tmp_path / "org", force_app=force_app)
        found = list(org.query("SELECT Name, IsActive FROM Pricebook2 WHERE IsStandard = true").records)
        org.close()
        assert [(one["Name"], one["IsActive"]) for one in found] == [("Standard Price Book", True)]
