"""The control plane: faults, clock, seeds, statistics, reset, coverage."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests

from sfsync.rehearsal.faults import Faults, read
from sfsync.rehearsal.org import Org
from tests.rehearsal.http.conftest import Client, V


class TestFaults:
    def test_status(self, org: Client) -> None:
        org.control("faults", {"kind": "status", "status": 503, "match": r"^GET .*/limits", "after": 1, "times": 2})
        assert [org.get(f"{V}/limits").status_code for _ in range(5)] == [200, 503, 503, 200, 200]
        org.control("faults", {"kind": "status", "status": 503, "body": "<html>", "headers": {"Retry-After": "1"}})
        answer = org.get(f"{V}/limits")
        assert (answer.text, answer.headers["Retry-After"]) == ("<html>", "1")
        org.control("faults", {"kind": "status", "status": 500})
        assert org.get(f"{V}/limits").json()[0]["errorCode"] == "UNKNOWN_EXCEPTION"
        org.control("faults", {"kind": "status", "status": 400, "match": "oauth2/token"})
        assert requests.post(f"{org.ready.instance_url}/services/oauth2/token", timeout=30).status_code == 400

    def test_drop_before_and_after(self, org: Client) -> None:
        for kind, made in (("drop_before", 0), ("drop_after", 1)):
            org.control("faults", {"kind": kind, "match": "POST .*/sobjects/Account"})
            with pytest.raises(requests.ConnectionError):
                org.post(f"{V}/sobjects/Account", {"Name": kind})
            found = org.query(f"SELECT COUNT() FROM Account WHERE Name = '{kind}'")
            assert found["totalSize"] == made

    def test_truncate(self, org: Client) -> None:
        org.control("faults", {"kind": "truncate", "match": "/limits"})
        with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
            _ = org.get(f"{V}/limits").content
        assert org.get(f"{V}/limits").status_code == 200

    def test_latency(self, org: Client) -> None:
        org.control("faults", {"kind": "latency", "ms": 300, "match": "/limits"})
        start = time.monotonic()
        assert org.get(f"{V}/limits").status_code == 200
        assert time.monotonic() - start >= 0.3

    def test_expire_session(self, org: Client) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": org.ready.consumer_key,
            "client_secret": org.ready.consumer_secret,
        }
        url = org.ready.instance_url
        opened = requests.post(f"{url}/services/oauth2/token", data=form, timeout=30).json()["access_token"]
        head = {"Authorization": f"Bearer {opened}"}
        org.control("faults", {"kind": "expire_session", "match": "/limits"})
        assert org.get(f"{V}/limits", headers=head).status_code == 401
        assert org.get(f"{V}/limits", headers=head).status_code == 401
        assert org.get(f"{V}/limits").status_code == 200

    def test_chance_is_repeatable(self, org: Client) -> None:
        def run() -> list[int]:
            order = {"kind": "status", "times": None, "probability": 0.5, "seed": 7, "match": "/limits"}
            org.control("faults", {"clear": True, **order})
            return [org.get(f"{V}/limits").status_code for _ in range(12)]

        first = run()
        assert first == run()
        assert set(first) == {200, 503}

    @pytest.mark.parametrize("order", [{"kind": "magic"}, {"kind": "status", "match": "("}, {"kind": "status", "x": 1}])
    def test_wrong_order(self, org: Client, order: dict[str, Any]) -> None:
        answer = org.post("/rehearsal/faults", order)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_INPUT")

    @pytest.mark.parametrize(
        "order",
        [
            {"status": "x"},
            {"status": 99999},
            {"status": 0},
            {"ms": "x"},
            {"ms": -5},
            {"times": "x"},
            {"times": -1},
            {"after": "x"},
            {"probability": "x"},
            {"probability": 7},
            {"seed": "x"},
            {"headers": "x"},
            {"headers": {"a": 5}},
            {"faults": 5},
            {"faults": [5]},
        ],
    )
    def test_an_order_that_could_not_strike(self, org: Client, order: dict[str, Any]) -> None:
        answer = org.post("/rehearsal/faults", {"kind": "status", **order})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_INPUT")
        assert org.get(f"{V}/limits").status_code == 200

    def test_lock_storm(self, org: Client) -> None:
        one = org.create("Account", Name="A")
        org.control("faults", {"kind": "lock", "object": "Account", "times": 1})
        answer = org.patch(f"{V}/sobjects/Account/{one}", {"Name": "B"})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "UNABLE_TO_LOCK_ROW")
        assert [fault["kind"] for fault in org.get("/rehearsal/faults").json()["faults"]] == ["lock"]
        assert org.patch(f"{V}/sobjects/Account/{one}", {"Name": "B"}).status_code == 204
        assert org.delete("/rehearsal/faults").json()["faults"] == []

    def test_limit_and_clock_skew(self, org: Client) -> None:
        org.control("clock", {"now": "2026-03-01T08:00:00Z", "freeze": True})
        org.control("faults", {"faults": [{"kind": "limit"}, {"kind": "clock_skew", "ms": -120000, "after": 1}]})
        answer = org.get(f"{V}/limits")
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
        assert org.get(f"{V}/limits").headers["Date"] == "Sun, 01 Mar 2026 07:58:00 GMT"

    def test_file(self, tmp_path: Path) -> None:
        file = tmp_path / "tonight.yaml"
        file.write_text("faults:\n- {kind: status, match: limits, times: 2}\n")
        rehearsed = Org.open(tmp_path / "org")
        faults = Faults(rehearsed)
        faults.add({"kind": "drop_before", "times": None})
        faults.replace(read(file))
        assert [(one["kind"], one["times"]) for one in faults.show()] == [("status", 2)]
        with pytest.raises(ValueError, match="unknown fault kind"):
            faults.replace([{"kind": "magic"}])
        assert len(Faults(rehearsed).show()) == 1, "a wrong file disarms nothing"
        rehearsed.close()

    def test_file_that_is_none(self, tmp_path: Path) -> None:
        file = tmp_path / "tonight.yaml"
        file.write_text("faults: many")
        with pytest.raises(ValueError, match="no list of faults"):
            read(file)

    def test_control_plane_knows_no_faults(self, org: Client) -> None:
        org.control("faults", {"kind": "status", "times": None})
        assert org.get("/rehearsal/stats").status_code == 200
        assert org.delete("/rehearsal/faults").json()["faults"] == []
        assert org.get(f"{V}/limits").status_code == 200


class TestClock:
    def test_freeze_set_advance(self, org: Client) -> None:
        org.control("clock", {"now": "2026-03-01T08:00:00+01:00", "freeze": True})
        assert org.get("/rehearsal/clock").json()["now"] == "2026-03-01T07:00:00.000+0000"
        one = org.create("Account", Name="A")
        row = org.get(f"{V}/sobjects/Account/{one}").json()
        assert row["CreatedDate"] == "2026-03-01T07:00:00.000+0000"
        org.control("clock", {"advance_s": 90})
        org.patch(f"{V}/sobjects/Account/{one}", {"Name": "B"})
        row = org.get(f"{V}/sobjects/Account/{one}").json()
        assert row["SystemModstamp"] == "2026-03-01T07:01:30.000+0000"
        shown = org.control("clock", {"offset_s": 0})
        assert shown["frozen"] is False

    def test_wrong_order(self, org: Client) -> None:
        assert org.post("/rehearsal/clock", {"tomorrow": 1}).status_code == 400
        assert org.post("/rehearsal/clock", {"now": "soon"}).status_code == 400

    @pytest.mark.parametrize(
        "order", [{"offset_s": "NaN"}, {"offset_s": 1e300}, {"advance_s": 1e18}, {"now": "9999-12-31T23:59:59Z"}]
    )
    def test_beyond_the_calendar(self, org: Client, order: dict[str, Any]) -> None:
        before = org.get("/rehearsal/clock").json()["offset_s"]
        assert org.post("/rehearsal/clock", order).json()[0]["errorCode"] == "INVALID_INPUT"
        assert org.get("/rehearsal/clock").json()["offset_s"] == before


class TestSessions:
    def test_of_another_user(self, org: Client) -> None:
        org.control("seed", {"name": "operator"})
        given = org.control("sessions", {"username": "giulia.ferri@operator.example"})
        headers = {"Authorization": f"Bearer {given['access_token']}"}
        made = org.post(f"{V}/sobjects/Account", {"Name": "A"}, headers=headers).json()["id"]
        assert org.get(f"{V}/sobjects/Account/{made}").json()["CreatedById"] == given["user_id"]
        assert org.post("/rehearsal/sessions", {"username": "nobody@operator.example"}).status_code == 400


class TestEvents:
    def test_of_selected_objects(self, org: Client) -> None:
        org.create("Account", Name="before")
        assert org.control("events", {"objects": ["account"]}) == {"objects": ["Account"]}
        made = org.create("Account", Name="A")
        found = org.get("/rehearsal/events?channel=/data/AccountChangeEvent").json()["events"]
        header = found[0]["payload"]["ChangeEventHeader"]
        assert (len(found), header["changeType"], header["recordIds"]) == (1, "CREATE", [made])
        assert org.get(f"/rehearsal/events?after={found[0]['replayId']}").json() == {"events": []}
        assert org.post("/rehearsal/events", {"objects": ["Nothing"]}).status_code == 404


class TestSettings:
    def test_audit_fields_on_create(self, org: Client) -> None:
        row = {"Name": "Old", "CreatedDate": "2020-01-02T03:04:05Z"}
        assert org.post(f"{V}/sobjects/Account", row).json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
        org.control("settings", {"audit_fields": True})
        made = org.create("Account", **row)
        assert org.get(f"{V}/sobjects/Account/{made}").json()["CreatedDate"] == "2020-01-02T03:04:05.000+0000"
        org.control("settings", {"audit_fields": False})
        assert org.post(f"{V}/sobjects/Account", row).status_code == 400

    def test_licenses(self, org: Client) -> None:
        org.control("settings", {"licenses": {"Salesforce": 3}})
        found = org.query("SELECT TotalLicenses FROM UserLicense WHERE Name = 'Salesforce'")
        assert found["records"][0]["TotalLicenses"] == 3
        assert org.post("/rehearsal/settings", {"licenses": {"Nothing": 3}}).status_code == 400
        assert org.post("/rehearsal/settings", {"colour": "blue"}).status_code == 400


class TestApexRest:
    def test_answers_what_it_was_told(self, org: Client) -> None:
        assert org.delete("/services/apexrest/Clean/").json()[0]["errorCode"] == "NOT_FOUND"
        org.control("apexrest", {"method": "DELETE", "path": "/Clean/", "body": {"gone": 3}})
        answer = org.delete("/services/apexrest/Clean/")
        assert (answer.status_code, answer.json()) == (200, {"gone": 3})
        assert org.get("/services/apexrest/Clean").status_code == 404
        assert org.post("/rehearsal/apexrest", {"method": "DANCE", "path": "x"}).status_code == 400


class TestSeeds:
    def test_operator(self, org: Client) -> None:
        assert org.control("seed", {"name": "operator"})["loaded"]["User"] >= 15
        org.control("seed", {"name": "operator"})
        found = org.query("SELECT Username, IsActive FROM User WHERE Username LIKE '%@operator.example'")
        assert found["totalSize"] == 16
        assert {one["Username"] for one in found["records"]} >= {"giulia.ferri@operator.example"}

    def test_given_rows(self, org: Client) -> None:
        rows = {"User": [{"LastName": "X", "Username": "x@operator.example"}], "Account": [{"Name": "A"}]}
        assert org.control("seed", {"records": rows}) == {"loaded": {"User": 1, "Account": 1}}
        host = {"OwnerId": org.query("SELECT Id FROM User WHERE Alias = 'x'")["records"][0]["Id"]}
        assert org.create("Account", Name="B", **host)

    def test_exact_rows(self, org: Client) -> None:
        one = {"Id": "001dM00003kS3BpQAK", "Name": "A", "CreatedDate": "2020-01-02T03:04:05Z", "IsDeleted": True}
        two = {"Name": "B", "OwnerId": "005000000000001AAA", "SystemModstamp": "2021-01-01T00:00:00Z"}
        assert org.control("seed", {"exact": True, "records": {"Account": [one, two]}}) == {"loaded": {"Account": 2}}
        found = org.query("SELECT Id, CreatedDate FROM Account WHERE IsDeleted = true", f"{V}/queryAll")["records"]
        assert (found[0]["Id"], found[0]["CreatedDate"]) == (one["Id"], "2020-01-02T03:04:05.000+0000")
        assert org.query("SELECT SystemModstamp FROM Account")["records"][0]["SystemModstamp"][:4] == "2021"
        wrong = {"exact": True, "records": {"Account": [{"Name": "C"}, {"AnnualRevenue": "much"}]}}
        assert "row 2 of Account" in org.post("/rehearsal/seed", wrong).json()[0]["message"]

    def test_all_or_nothing(self, org: Client) -> None:
        answer = org.post("/rehearsal/seed", {"records": {"Account": [{"Name": "A"}, {}]}})
        assert answer.status_code == 400
        assert "row 2 of Account" in answer.json()[0]["message"]
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 0
        assert org.post("/rehearsal/seed", {"name": "nothing"}).status_code == 400


class TestStatistics:
    def test_what_counts(self, org: Client) -> None:
        requests.get(f"{org.ready.instance_url}/services/data", timeout=30)
        org.get("/services/oauth2/userinfo")
        org.get(f"{V}/nowhere")
        org.get(f"{V}/limits")
        org.query("SELECT Id FROM Account")
        stats = org.stats()
        assert (stats["api_calls"], stats["by_kind"]) == (2, {"limits": 1, "query": 1})
        assert org.control("stats/reset") == {"api_calls": 0, "by_kind": {}, "subrequests": {}}
        assert org.get(f"{V}/limits").headers["Sforce-Limit-Info"] == "api-usage=3/100000"

    def test_reset_empties_everything_but_the_ways_in(self, org: Client) -> None:
        org.create("Account", Name="A")
        org.control("faults", {"kind": "status", "match": "never"})
        org.control("limits", {"DailyApiRequests": {"Max": 5}})
        assert org.control("reset") == {"reset": True}
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 0
        assert org.get("/rehearsal/faults").json()["faults"] == []
        assert org.get(f"{V}/limits").json()["DailyApiRequests"]["Max"] == 100000

    def test_unknown_limit(self, org: Client) -> None:
        assert org.post("/rehearsal/limits", {"Nope": {"Max": 1}}).status_code == 400

    @pytest.mark.parametrize(
        ("path", "order"),
        [
            ("limits", {"DailyApiRequests": 5}),
            ("seed", {"records": {"Account": [5]}}),
            ("seed", {"records": {"Account": 5}}),
            ("sessions", {}),
        ],
    )
    def test_orders_of_the_wrong_shape(self, org: Client, path: str, order: dict[str, Any]) -> None:
        answer = org.post(f"/rehearsal/{path}", order)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_INPUT")
