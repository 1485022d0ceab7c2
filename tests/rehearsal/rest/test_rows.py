"""Conditions, relationship paths, changes in a span of time, recently viewed rows, odd keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.rehearsal.http.conftest import Client, V

NOT_FOUND = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
OLD, NEW = "Tue, 10 Aug 2015 00:00:00 GMT", "Tue, 10 Aug 2055 00:00:00 GMT"


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


class TestConditions:
    def test_tags_of_accounts(self, org: Client) -> None:
        url = f"{V}/sobjects/Account/{org.create('Account', Name='A')}"
        tag = org.get(url).headers["ETag"]
        assert tag.endswith('--gzip"')
        same = org.get(url, headers={"If-None-Match": f'"other", {tag}'})
        assert (same.status_code, same.content) == (304, b"")
        assert org.patch(url, {"Name": "B"}, headers={"If-Match": tag}).status_code == 204
        assert code(org.patch(url, {"Name": "C"}, headers={"If-Match": tag})) == (412, "PRECONDITION_FAILED")
        assert org.get(url).json()["Name"] == "B"
        assert org.get(url, headers={"If-None-Match": tag}).status_code == 200
        fresh = org.get(f"{url}?fields=Name", headers={"Accept-Encoding": "identity"}).headers["ETag"]
        assert org.get(url, headers={"If-Match": fresh}).status_code == 200
        assert org.patch(url, {"Name": "D"}, headers={"If-None-Match": fresh}).status_code == 412
        assert org.delete(url, headers={"If-Match": tag}).status_code == 204

    def test_no_tags_elsewhere(self, org: Client) -> None:
        url = f"{V}/sobjects/Contact/{org.create('Contact', LastName='L')}"
        answer = org.get(url, headers={"If-Match": '"nothing"'})
        assert (answer.status_code, "ETag" in answer.headers) == (200, False)
        assert answer.headers["Last-Modified"].endswith("GMT")

    def test_dates(self, org: Client) -> None:
        url = f"{V}/sobjects/Contact/{org.create('Contact', LastName='L')}"
        assert org.get(url, headers={"If-Modified-Since": NEW}).status_code == 304
        assert org.get(f"{url}?fields=LastName", headers={"If-Modified-Since": OLD}).json()["LastName"] == "L"
        assert org.get(url, headers={"If-Unmodified-Since": OLD}).status_code == 412
        assert org.patch(url, {"LastName": "M"}, headers={"If-Unmodified-Since": OLD}).status_code == 412
        assert org.patch(url, {"LastName": "M"}, headers={"If-Unmodified-Since": NEW}).status_code == 204

    def test_senseless_headers(self, org: Client) -> None:
        url = f"{V}/sobjects/Account/{org.create('Account', Name='A')}"
        for name in ("If-Match", "If-None-Match", "If-Unmodified-Since"):
            assert org.patch(url, {"Name": "B"}, headers={name: "nonsense"}).status_code == 400
        assert org.get(url, headers={"If-None-Match": "nonsense"}).status_code == 200


class TestRelationshipPaths:
    @pytest.fixture
    def family(self, org: Client) -> tuple[str, str, str]:
        top = org.create("Account", Name="Top")
        account = org.create("Account", Name="A", ParentId=top)
        return top, account, org.create("Contact", LastName="L", AccountId=account)

    def test_parents(self, org: Client, family: tuple[str, str, str]) -> None:
        top, account, contact = family
        row = org.get(f"{V}/sobjects/Contact/{contact}/Account").json()
        assert (row["Id"], row["attributes"]["url"]) == (account, f"{V}/sobjects/Account/{account}")
        upper = org.get(f"{V}/sobjects/Contact/{contact}/Account/Parent?fields=Name").json()
        assert (list(upper), upper["Id"]) == (["attributes", "Name", "Id"], top)
        assert org.patch(f"{V}/sobjects/Contact/{contact}/Account", {"Name": "B"}).status_code == 204
        assert org.get(f"{V}/sobjects/Account/{account}").json()["Name"] == "B"
        assert org.get(f"{V}/sobjects/Account/{top}/Parent").json() == NOT_FOUND
        assert org.get(f"{V}/sobjects/Contact/{contact}/Nothing").json() == NOT_FOUND

    def test_children(self, org: Client, family: tuple[str, str, str]) -> None:
        _, account, contact = family
        url = f"{V}/sobjects/Account/{account}/Contacts"
        body = org.get(url).json()
        assert (body["totalSize"], body["done"]) == (1, True)
        assert body["records"][0]["Id"] == contact
        assert "Email" in body["records"][0]
        few = org.get(f"{url}?fields=LastName,Id").json()["records"][0]
        assert list(few) == ["attributes", "LastName", "Id"]
        assert code(org.get(f"{url}?fields=Nope")) == (400, "INVALID_FIELD")
        assert org.delete(url).status_code == 405
        empty = org.get(f"{V}/sobjects/Contact/{contact}/Cases")
        assert (empty.status_code, empty.json()["records"]) == (200, [])

    def test_deleting_a_parent(self, org: Client) -> None:
        account = org.create("Account", Name="A")
        child = org.create("Account", Name="B", ParentId=account)
        assert org.delete(f"{V}/sobjects/Account/{child}/Parent").status_code == 204
        assert org.get(f"{V}/sobjects/Account/{account}").status_code == 404

    def test_pages(self, org: Client) -> None:
        account = org.create("Account", Name="A")
        rows = [{"attributes": {"type": "Contact"}, "LastName": f"L{n}", "AccountId": account} for n in range(200)]
        for _ in range(2):
            org.post(f"{V}/composite/sobjects", {"records": rows})
        head = {"Sforce-Query-Options": "batchSize=200"}
        page = org.get(f"{V}/sobjects/Account/{account}/Contacts?fields=Id", headers=head).json()
        assert (page["totalSize"], len(page["records"])) == (400, 200)
        assert len(org.get(page["nextRecordsUrl"]).json()["records"]) == 200


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")


class TestChanges:
    @pytest.fixture
    def now(self, org: Client) -> datetime:
        org.control("clock", {"now": "2026-03-10T12:00:30Z", "freeze": True})
        return datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)

    def asked(self, org: Client, what: str, start: datetime, end: datetime, name: str = "Account") -> requests.Response:
        return org.get(f"{V}/sobjects/{name}/{what}/", params={"start": stamp(start), "end": stamp(end)})

    def test_updated(self, org: Client, now: datetime) -> None:
        one, two = org.create("Account", Name="A"), org.create("Account", Name="B")
        org.delete(f"{V}/sobjects/Account/{two}")
        body = self.asked(org, "updated", now - timedelta(hours=1), now + timedelta(hours=1)).json()
        assert body == {"ids": [one], "latestDateCovered": "2026-03-10T12:00:00.000+0000"}
        before = self.asked(org, "updated", now - timedelta(hours=2), now - timedelta(hours=1)).json()
        assert before == {"ids": [], "latestDateCovered": "2026-03-10T11:00:00.000+0000"}

    def test_deleted(self, org: Client, now: datetime) -> None:
        one = org.create("Account", Name="A")
        org.delete(f"{V}/sobjects/Account/{one}")
        body = self.asked(org, "deleted", now - timedelta(days=1), now + timedelta(minutes=5)).json()
        assert body["deletedRecords"] == [{"id": one, "deletedDate": "2026-03-10T12:00:30.000+0000"}]
        assert body["earliestDateAvailable"] == "2026-02-23T12:00:00.000+0000"
        assert body["latestDateCovered"] == "2026-03-10T12:00:00.000+0000"

    def test_spans(self, org: Client, now: datetime) -> None:
        same_minute = self.asked(org, "updated", now, now + timedelta(seconds=20))
        assert same_minute.json()[0] == {
            "message": "startDate must be at least one minute greater than endDate",
            "errorCode": "INVALID_REPLICATION_DATE",
        }
        for what in ("updated", "deleted"):
            old = self.asked(org, what, now - timedelta(days=31), now)
            assert old.json()[0]["message"] == "startDate cannot be more than 30 days ago"
        assert code(org.get(f"{V}/sobjects/Account/updated/?start=x&end=y")) == (400, "INVALID_REPLICATION_DATE")
        assert code(org.get(f"{V}/sobjects/Account/updated")) == (400, "INVALID_REPLICATION_DATE")
        plus = f"{V}/sobjects/Account/updated/?start=2026-03-10T10:00:00+00:00&end=2026-03-10T11:00:00Z"
        assert org.get(plus).status_code == 200

    def test_objects_that_cannot(self, org: Client, now: datetime) -> None:
        answer = self.asked(org, "updated", now - timedelta(hours=1), now, "PermissionSetAssignment")
        assert code(answer) == (400, "INVALID_TYPE_FOR_OPERATION")
        assert self.asked(org, "updated", now - timedelta(hours=1), now, "Nothing").json() == NOT_FOUND


class TestRecent:
    def test_what_was_looked_at(self, org: Client) -> None:
        first, second = org.create("Account", Name="A"), org.create("Contact", LastName="L", FirstName="F")
        org.get(f"{V}/sobjects/Account/{first}")
        gone = org.create("Account", Name="Gone")
        org.delete(f"{V}/sobjects/Account/{gone}")
        quiet = org.post(f"{V}/sobjects/Account", {"Name": "Q"}, headers={"Sforce-Mru": "updateMru=false"})
        assert quiet.status_code == 201
        rows = org.get(f"{V}/recent").json()
        assert [(row["Id"], row["Name"]) for row in rows] == [(first, "A"), (second, "F L")]
        assert rows[0]["attributes"] == {"type": "Account", "url": f"{V}/sobjects/Account/{first}"}
        assert [row["Id"] for row in org.get(f"{V}/recent/?limit=1").json()] == [first]
        assert [row["Id"] for row in org.get(f"{V}/sobjects/Contact").json()["recentItems"]] == [second]

    def test_queries_leave_it_alone(self, org: Client) -> None:
        org.post(f"{V}/composite/sobjects", {"records": [{"attributes": {"type": "Account"}, "Name": "A"}]})
        org.query("SELECT Id, Name FROM Account")
        assert org.get(f"{V}/recent").json() == []


class TestPlaces:
    def test_a_bad_value_and_where_it_stands(self, org: Client) -> None:
        body = b'{\n "LastName": "L",\n "Birthdate": "2019-13-45"}'
        head = {"Content-Type": "application/json"}
        answer = org.call("POST", f"{V}/sobjects/Contact", data=body, headers=head)
        text = 'Cannot deserialize instance of date from VALUE_STRING value "2019-13-45" at [line:3, column:15]'
        assert (answer.status_code, answer.json()) == (400, [{"message": text, "errorCode": "JSON_PARSER_ERROR"}])


class TestKeys:
    def test_id_as_key(self, org: Client) -> None:
        one = org.create("Account", Name="A")
        answer = org.patch(f"{V}/sobjects/Account/Id/{one}?updateOnly=true", {"Phone": "555-UPDATED"})
        assert answer.json() == {"id": one, "success": True, "errors": [], "created": False}
        made = org.post(f"{V}/sobjects/Account/Id", {"Name": "B"})
        assert (made.status_code, made.json()["created"]) == (201, True)

    def test_before_version_46(self, org: Client) -> None:
        url = "/services/data/v45.0/sobjects/Account/SFS_Shop_Code__c/S-1"
        assert list(org.patch(url, {"Name": "A"}).json()) == ["id", "success", "errors"]
        assert org.patch(url, {"Name": "B"}).status_code == 204

    def test_fields_that_are_no_keys(self, org: Client) -> None:
        for field in ("Nope__c", "Phone"):
            answer = org.patch(f"{V}/sobjects/Account/{field}/1", {"Name": "x"})
            text = f"Provided external ID field does not exist or is not accessible: {field}"
            assert (answer.status_code, answer.json()) == (404, [{"errorCode": "NOT_FOUND", "message": text}])

    def test_files_have_no_bodies(self, org: Client) -> None:
        answer = org.get(f"{V}/sobjects/Attachment/00P000000000000EAA/Body")
        assert code(answer) == (501, "FUNCTIONALITY_NOT_ENABLED")

    def test_counts(self, org: Client) -> None:
        org.create("Account", Name="A")
        body = org.get(f"{V}/limits/recordCount?sObjects=account,Nothing,Contact").json()
        assert body == {"sObjects": [{"count": 1, "name": "Account"}]}

    def test_file_endings(self, org: Client) -> None:
        assert org.patch(f"{V}/sobjects/Contact/Email/a%40b.inc", {"LastName": "L"}).json() == NOT_FOUND
        assert org.patch(f"{V}/sobjects/Contact/Email/a%40b.com", {"LastName": "L"}).status_code == 201

    def test_rows_that_never_were(self, org: Client) -> None:
        missing = f"{V}/sobjects/Account/0010000000000zzAAA"
        assert org.get(missing).json() == NOT_FOUND
        assert org.patch(missing, {"Name": "x"}).status_code == 404
        assert code(org.delete(missing)) == (404, "INVALID_CROSS_REFERENCE_KEY")
        assert org.get(f"{V}/sobjects/Account/23foo").json()[0]["message"].endswith("not accessible: 23foo")

    def test_fields_are_names(self, org: Client) -> None:
        url = f"{V}/sobjects/Contact/{org.create('Contact', LastName='L')}"
        assert org.get(f"{url}?fields=Account.Name,LastName").json()["Account"] is None
        for odd in ("Nope", "(SELECT Id FROM Cases WHERE Id.x = 1)", "COUNT(Account.Id)"):
            assert code(org.get(url, params={"fields": odd})) == (400, "INVALID_FIELD")

    def test_users_stay(self, org: Client) -> None:
        user = org.query("SELECT Id FROM User LIMIT 1")["records"][0]["Id"]
        assert code(org.delete(f"{V}/sobjects/User/{user}")) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
