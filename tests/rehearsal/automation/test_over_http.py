"""Rules of a force-app folder, seen by a caller over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from sfsync.rehearsal.serve import running
from tests.rehearsal.automation.orgs import Piece, assignment_rule, criterion, duplicate_rule, matching_rules, queue
from tests.rehearsal.automation.orgs import validation_rule as rule

_NS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
_TO_VIP = "<assignedTo>VIP</assignedTo><assignedToType>Queue</assignedToType>"
_FILES: dict[str, Piece] = {
    "objects/Account/validationRules/Acme.validationRule": rule("Account.Acme", 'CONTAINS(Name, "ACME")', "no ACME"),
    "objects/Account/validationRules/Phone.validationRule": rule(
        "Account.Phone", 'Phone = "123"', "no 123", field="Phone"
    ),
    "matchingRules/Contact.matchingRule": matching_rules("Contact", "Mail", "Email"),
    "duplicateRules/Contact.Once.duplicateRule": duplicate_rule("Contact.Once", "Mail", block=False),
    "queues/VIP.queue": queue("VIP", "Case"),
    "assignmentRules/Case.assignmentRules": (
        "AssignmentRules",
        "Case",
        assignment_rule("Standard", _TO_VIP + criterion("Case.Priority", "equals", "High")),
    ),
}


class _Caller:
    def __init__(self, url: str, token: str) -> None:
        self._base, self._headers = f"{url}/services/data/v60.0", {"Authorization": f"Bearer {token}"}

    def create(self, name: str, body: dict[str, str], **headers: str) -> requests.Response:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        url = f"{self._base}/sobjects/{name}"
        return requests.post(url, json=body, headers=self._headers | named, timeout=30)

    def get(self, path: str) -> dict[str, object]:
        found: dict[str, object] = requests.get(self._base + path, headers=self._headers, timeout=30).json()
        return found


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Caller]:
    folder = tmp_path_factory.mktemp("force-app")
    for name, (kind, _, inside) in _FILES.items():
        file = folder / f"{name}-meta.xml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'<?xml version="1.0" encoding="UTF-8"?><{kind} {_NS}>{inside}</{kind}>', "utf-8")
    with running(tmp_path_factory.mktemp("org"), force_app=folder) as ready:
        yield _Caller(ready.instance_url, ready.access_token)


def test_every_broken_rule_is_an_entry_of_the_answer(caller: _Caller) -> None:
    answer = caller.create("Account", {"Name": "ACME", "Phone": "123"})
    assert answer.status_code == 400
    assert answer.json() == [
        {"message": "no ACME", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": []},
        {"message": "no 123", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": ["Phone"]},
    ]


def test_the_duplicate_header_lets_a_row_pass(caller: _Caller) -> None:
    row = {"LastName": "A", "Email": "a@x.example"}
    assert caller.create("Contact", row).status_code == 201
    answer = caller.create("Contact", row, Sforce_Duplicate_Rule_Header="allowSave=false; includeRecordDetails=true")
    assert answer.status_code == 400
    (error,) = answer.json()
    assert list(error) == ["duplicateResult", "errorCode", "message"]
    (record,) = error["duplicateResult"]["matchResults"][0]["matchRecords"]
    assert record["record"]["Email"] == "a@x.example"
    assert caller.create("Contact", row, Sforce_Duplicate_Rule_Header="allowSave=true").status_code == 201


def test_the_assignment_header_switches_the_rule_off(caller: _Caller) -> None:
    made = [
        caller.create("Case", {"Priority": "High"}).json()["id"],
        caller.create("Case", {"Priority": "High"}, Sforce_Auto_Assign="FALSE").json()["id"],
    ]
    owners = [caller.get(f"/sobjects/Case/{one}/Owner")["Name"] for one in made]
    assert owners == ["VIP", "Integration User"]
