"""simple-salesforce unchanged, over https, doing what its own documentation shows."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce, SFType
from simple_salesforce.exceptions import SalesforceMoreThanOneRecord, SalesforceResourceNotFound
from simple_salesforce.format import format_external_id, format_soql
from simple_salesforce.login import SalesforceLogin

from sfsync.rehearsal.serve import Ready, running

SOON = {"wait": 0.05}  # seconds between looks at a job; the library would wait five
FORCE_APP = Path(__file__).parents[2] / "force-app"
KEY = "SFS_Operator_Code__c"


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    with running(tmp_path_factory.mktemp("org"), https_port=0, force_app=FORCE_APP) as found:
        yield found


@pytest.fixture(autouse=True)
def trusted(ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a user of the library does: trust the org's authority."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ready.ca_file))


@pytest.fixture
def sf(ready: Ready) -> Any:
    head = {"Authorization": f"Bearer {ready.access_token}"}
    assert requests.post(f"{ready.instance_url}/rehearsal/reset", json={}, headers=head, timeout=30).status_code == 200
    return Salesforce(instance_url=ready.https_url, session_id=ready.access_token)


def domain(ready: Ready, path: str) -> str:
    """The library makes ``https://{domain}.salesforce.com/…`` of a domain; the fragment keeps the address ours."""
    return f"{str(ready.https_url).removeprefix('https://')}{path}#"


def works(sf: Any) -> bool:
    """The library's types know neither limits nor records by their names, hence Any throughout."""
    return bool(sf.limits()["DailyApiRequests"]["Max"])


class TestGainingAccess:
    def test_instance_and_session(self, ready: Ready) -> None:
        host = str(ready.https_url).removeprefix("https://")
        assert works(Salesforce(instance=host, session_id=ready.access_token))

    def test_security_token(self, ready: Ready) -> None:
        where = domain(ready, "/services/Soap/u/59.0")
        session_id, instance = SalesforceLogin(
            username=ready.username, password=ready.password, security_token=ready.security_token, domain=where
        )
        assert instance in (ready.https_url, str(ready.https_url).removeprefix("https://"))
        assert works(Salesforce(instance=instance.removeprefix("https://"), session_id=session_id))

    def test_private_key(self, ready: Ready) -> None:
        key: dict[str, Any] = {"consumer_key": ready.consumer_key, "privatekey_file": ready.private_key_file}
        where = domain(ready, "/services/oauth2/token")
        assert works(Salesforce(username=ready.username, instance_url=where, **key))

    def test_connected_app(self, ready: Ready) -> None:
        app: dict[str, Any] = {"consumer_key": ready.consumer_key, "consumer_secret": ready.consumer_secret}
        where = domain(ready, "/services/oauth2/token")
        assert works(Salesforce(username=ready.username, password=ready.password, domain=where, **app))
        assert works(Salesforce(domain=where, **app))

    def test_client_id(self, ready: Ready) -> None:
        made: Any = Salesforce(instance_url=ready.https_url, session_id=ready.access_token, client_id="My App")
        assert made.Contact.create({"LastName": "Smith"})["success"] is True


class TestRecords:
    def test_life(self, sf: Any) -> None:
        made = sf.Contact.create({"LastName": "Smith", "Email": "example@example.com"})
        assert made["errors"] == []
        assert sf.Contact.get(made["id"])["LastName"] == "Smith"
        assert sf.Contact.update(made["id"], {"LastName": "Jones", "FirstName": "John"}) == 204
        end = datetime.now(UTC) + timedelta(minutes=2)
        assert made["id"] in sf.Contact.updated(end - timedelta(days=10), end)["ids"]
        assert sf.Contact.delete(made["id"]) == 204
        gone = sf.Contact.deleted(end - timedelta(days=10), end)["deletedRecords"]
        assert [row["id"] for row in gone] == [made["id"]]

    def test_external_ids(self, sf: Any) -> None:
        row = {"LastName": "Smith", "Email": "smith@example.com"}
        assert sf.Contact.upsert(f"{KEY}/11999", row) == 201
        assert sf.Contact.get_by_custom_id(KEY, "11999")["LastName"] == "Smith"
        assert sf.Contact.upsert(format_external_id(KEY, "this/that & the other"), row) == 201
        with pytest.raises(SalesforceMoreThanOneRecord):
            sf.Contact.upsert("Email/smith@example.com", row)
        with pytest.raises(SalesforceResourceNotFound):
            sf.Contact.get_by_custom_id(KEY, "22")

    def test_metadata(self, sf: Any) -> None:
        assert sf.Contact.metadata()["objectDescribe"]["name"] == "Contact"
        assert "LastName" in {field["name"] for field in sf.Contact.describe()["fields"]}
        assert "Contact" in {one["name"] for one in sf.describe()["sobjects"]}

    def test_type_alone(self, ready: Ready, sf: Any) -> None:
        host = str(ready.https_url).removeprefix("https://")
        contact: Any = SFType("Contact", ready.access_token, host)
        assert contact.create({"LastName": "Smith", "Email": "example@example.com"})["success"] is True


class TestQueries:
    def test_pages(self, sf: Any) -> None:
        sf.bulk.Contact.insert([{"LastName": "Jones", "Email": f"j{n}@example.com"} for n in range(2500)])
        soql = "SELECT Id, Email FROM Contact WHERE LastName = 'Jones'"
        page = sf.query(soql)
        assert (page["totalSize"], page["done"]) == (2500, False)
        assert sf.query_more(page["nextRecordsUrl"], True)["done"] is True
        assert sf.query_more(page["nextRecordsUrl"].rsplit("/", 1)[1])["done"] is True
        assert len(sf.query_all(soql)["records"]) == 2500
        assert len({row["Id"] for row in sf.query_all_iter(soql)}) == 2500

    def test_quoting(self, sf: Any) -> None:
        account = sf.Account.create({"Name": "O'Neill \\ Sons"})["id"]
        sf.Contact.create({"LastName": "Jones", "AccountId": account})
        by_name = format_soql("SELECT Id FROM Account WHERE Name = {}", "O'Neill \\ Sons")
        assert sf.query(by_name)["totalSize"] == 1
        one_of = format_soql("SELECT Id, Account.Name FROM Contact WHERE LastName IN {names}", names=["Smith", "Jones"])
        assert sf.query(one_of)["records"][0]["Account"]["Name"] == "O'Neill \\ Sons"
        like = format_soql("SELECT Id FROM Contact WHERE Name LIKE '{:like}%'", "Jon")
        assert sf.query(like)["totalSize"] == 1


class TestBulk:
    def test_records(self, sf: Any) -> None:
        data = [{"LastName": "Smith", "Email": "example@example.com"}, {"LastName": "Jones", "Email": "test@test.com"}]
        made = sf.bulk.Contact.insert(data, batch_size=10000, use_serial=True)
        assert [(row["success"], row["created"]) for row in made] == [(True, True)] * 2
        changed: list[dict[str, Any]] = [{"Id": made[0]["id"], "Email": "new@example.com"}]
        assert sf.bulk.Contact.update(changed)[0]["success"] is True
        changed.append({"LastName": "Foo", "Email": "foo@foo.com"})
        assert [row["created"] for row in sf.bulk.Contact.upsert(changed, "Id")] == [False, True]
        assert sf.bulk.submit_dml("Contact", "delete", [{"Id": made[1]["id"]}])[0]["success"] is True
        assert len(sf.bulk.Contact.query("SELECT Id, Name FROM Contact", **SOON)) == 2
        assert len(sf.bulk.Contact.query_all("SELECT Id, Name FROM Contact", **SOON)) == 3
        lazy = sf.bulk.Contact.query("SELECT Id, Name FROM Contact", lazy_operation=True, **SOON)
        assert sum(len(part) for part in lazy) == 2


class TestBulk2:
    @pytest.fixture
    def sample(self, tmp_path: Path) -> str:
        file = tmp_path / "sample.csv"
        rows = "".join(f'"C-{n}","contact{n}@example.com","Bob","x{n}"\n' for n in range(5))
        file.write_text(f'"{KEY}","Email","FirstName","LastName"\n{rows}', "utf-8")
        return str(file)

    def test_records(self, sf: Any, sample: str, tmp_path: Path) -> None:
        done = sf.bulk2.Contact.insert(sample, batch_size=10000, **SOON)
        assert (done[0]["numberRecordsProcessed"], done[0]["numberRecordsFailed"]) == (5, 0)
        good = list(csv.DictReader(sf.bulk2.Contact.get_successful_records(done[0]["job_id"]).splitlines()))
        assert {row["sf__Created"] for row in good} == {"true"}
        again = sf.bulk2.Contact.insert(sample, **SOON)
        assert again[0]["numberRecordsFailed"] == 5
        failed = sf.bulk2.Contact.get_failed_records(again[0]["job_id"])
        assert "DUPLICATE_VALUE" in failed
        assert sf.bulk2.Contact.upsert(sample, external_id_field=KEY, **SOON)[0]["numberRecordsFailed"] == 0
        ids = tmp_path / "ids.csv"
        ids.write_text("Id\n" + "".join(f"{row['sf__Id']}\n" for row in good[:2]), "utf-8")
        assert sf.bulk2.Contact.delete(str(ids), **SOON)[0]["numberRecordsFailed"] == 0
        assert sf.query("SELECT COUNT() FROM Contact")["totalSize"] == 3

    def test_queries(self, sf: Any, sample: str, tmp_path: Path) -> None:
        sf.bulk2.Contact.insert(sample, **SOON)
        parts = list(sf.bulk2.Contact.query("SELECT Id, Email FROM Contact", max_records=2, **SOON))
        assert [len(part.splitlines()) for part in parts] == [3, 3, 2]
        folder = tmp_path / "results"
        folder.mkdir()
        saved = sf.bulk2.Contact.download("SELECT Id, Email FROM Contact", path=str(folder), max_records=200000, **SOON)
        assert sum(one["number_of_records"] for one in saved) == 5
