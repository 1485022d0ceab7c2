"""What the org says it answers and refuses is what it does."""

from __future__ import annotations

import re

import pytest
import requests

from sfsync.rehearsal import coverage, table
from sfsync.rehearsal.schema.build import build
from sfsync.rehearsal.soap import partner
from tests.rehearsal.http.conftest import Client, V

SECTIONS = coverage.sections(table.build().routes(), build())
ENTRIES = [(name, one) for name, entries in SECTIONS.items() for one in entries]
TRIED = [one for _, one in ENTRIES if one.try_]


def _answer(org: Client, call: str) -> requests.Response:
    verb, _, rest = call.partition(" ")
    if verb in ("GET", "POST"):
        path, _, body = rest.partition(" ")
        head = {"X-SFDC-Session": org.ready.access_token, "Content-Type": "application/json"}
        return org.call(verb, path, data=body.encode() or None, headers=head)
    return org.get(f"{V}/{'search' if verb == 'FIND' else 'query'}", params={"q": call})


def _code(answer: requests.Response) -> str:
    """The error code in an answer of any API."""
    if answer.text.startswith("<"):
        return re.findall(r"<(?:exceptionCode|sf:exceptionCode)>(\w+)", answer.text)[0]
    body = answer.json()
    return str(body[0]["errorCode"] if isinstance(body, list) else body["exceptionCode"])


@pytest.mark.parametrize("entry", TRIED, ids=[one.what for one in TRIED])
def test_what_is_refused_is_refused_as_it_is_said(org: Client, entry: coverage.Entry) -> None:
    answer = _answer(org, entry.try_)
    assert (answer.status_code, _code(answer)) == (entry.status, entry.code)


def test_soap_calls_are_refused_as_it_is_said(org: Client) -> None:
    entries = [one for one in SECTIONS[coverage.SOAP] if one.state == coverage.REFUSED and not one.try_]
    calls = {one.what: ("u/64.0", one.what, one) for one in entries if one.group == "Operations"}
    for one in entries:
        if one.what.startswith("the enterprise API"):
            calls[one.what] = ("c/64.0", "query", one)
        elif one.what.startswith("login() from"):
            calls[one.what] = ("u/65.0", "login", one)
        elif one.what.startswith("operations that are not listed"):
            calls[one.what] = ("u/64.0", "noSuchThing", one)
    assert len(calls) == len(entries)
    for place, name, entry in calls.values():
        answer = _soap(org, place, name)
        assert (answer.status_code, f"<faultcode>sf:{entry.code}</faultcode>" in answer.text) == (entry.status, True)


def _soap(org: Client, place: str, name: str) -> requests.Response:
    kind = "partner" if place.startswith("u") else "enterprise"
    text = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
        f' xmlns:u="urn:{kind}.soap.sforce.com"><e:Header><u:SessionHeader><u:sessionId>{org.ready.access_token}'
        f"</u:sessionId></u:SessionHeader></e:Header><e:Body><u:{name}/></e:Body></e:Envelope>"
    )
    head = {"Content-Type": "text/xml", "SOAPAction": '""'}
    return org.call("POST", f"/services/Soap/{place}", data=text.encode(), headers=head)


def test_everything_refused_by_a_code_is_tried() -> None:
    untried = [one.what for name, one in ENTRIES if one.code and not one.try_ and name != coverage.SOAP]
    assert not untried


def test_every_route_is_in_it_once() -> None:
    found = [one.what for _, one in ENTRIES if one.group == "Calls"]
    assert sorted(found) == sorted(f"{one.method} {one.pattern}" for one in table.build().routes())


def test_calls_are_in_the_section_they_belong_to() -> None:
    where = {one.what: name for name, one in ENTRIES}
    assert where["POST /services/data/v{version}/composite/graph"] == coverage.COMPOSITE
    assert where["GET /services/data/v{version}/query"] == coverage.SOQL
    assert where["GET /services/async/{version}/job/{id}"] == coverage.BULK_1
    assert where["PATCH /services/data/v{version}/sobjects/{object}/{id}"] == coverage.REST
    assert where["POST /rehearsal/faults"] == coverage.CONTROL


def test_what_the_code_knows_is_in_it() -> None:
    names = {(name, one.what): one for name, one in ENTRIES}
    for section, what in (
        (coverage.SOQL, "LAST_N_FISCAL_QUARTERS:n"),
        (coverage.SOQL, "HOUR_IN_DAY"),
        (coverage.METADATA, "EntitlementProcess"),
        (coverage.METADATA, "ISPICKVAL"),
        (coverage.LIMITS, "DailyApiRequests"),
        (coverage.FAULTS, "lock"),
        (coverage.OBJECTS, "CaseMilestone"),
        (coverage.SOAP, "queryMore"),
    ):
        assert names[(section, what)].state == coverage.ANSWERED, what
    assert names[(coverage.METADATA, "Layout")].state == coverage.PARTLY
    assert {names[(coverage.SOAP, one)].state for one in partner.NOT_HERE} == {coverage.REFUSED}


def test_every_entry_says_enough() -> None:
    """Refused ones say how, those answered in part what differs, the control plane what it does."""
    for section, one in ENTRIES:
        assert one.state in (coverage.ANSWERED, coverage.PARTLY, coverage.REFUSED), one
        assert one.state != coverage.REFUSED or one.code or one.note, one
        assert one.state != coverage.PARTLY or one.note, one
        assert section != coverage.CONTROL or one.note, one


def test_the_org_tells_it_with_its_own_objects(org: Client) -> None:
    body = org.get("/rehearsal/coverage").json()
    assert [one["name"] for one in body["sections"]] == list(coverage.SECTIONS)
    assert len(body["answered"]) > len(body["not_answered"]) > 20
    assert "REST: Tooling API" in body["not_answered"]
    objects = next(one["entries"] for one in body["sections"] if one["name"] == coverage.OBJECTS)
    account = next(one for one in objects if one["what"] == "Account")
    assert account["note"] == "create, update, delete, undelete, merge, query, retrieve, search"
