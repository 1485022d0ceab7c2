"""Rows, collections, composite and queries."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from scripts.replay_pairs.stage import DATA, Stage
from scripts.replay_pairs.states.base import EARLIER, LATER, Preparation, Sent, as_it_is, expired, fault
from sfsync.rehearsal.ids import to18


def _seeded(rows: Callable[[Sent], dict[str, dict[str, dict[str, Any]]]]) -> Preparation:
    def act(stage: Stage, sent: Sent) -> Sent:
        stage.seed(rows(sent))
        return sent

    return act


def _one(name: str, record_id: str, **fields: Any) -> Preparation:
    return _seeded(lambda sent: {name: {record_id: fields}})


def _organization(stage: Stage, sent: Sent) -> Sent:
    found = stage.call("GET", f"{DATA}/query", params={"q": "SELECT Id FROM Organization"}).json()["records"]
    return replace(sent, path=sent.path.rpartition("/")[0] + "/" + found[0]["Id"])


def _many(name: str, field: str, value: str) -> Preparation:
    def act(stage: Stage, sent: Sent) -> Sent:
        for _ in range(2):
            stage.call("POST", f"{DATA}/sobjects/{name}", json={"Name": "x", field: value}).raise_for_status()
        return replace(sent, path=sent.path.replace("/Whizbang/", "/Whizbang__c/").replace("v23.0", "v40.0"))

    return act


def _taken(stage: Stage, sent: Sent) -> Sent:
    stage.call("POST", f"{DATA}/sobjects/Contact", json={"LastName": "y", "B2C_Customer_ID__c": "1"}).raise_for_status()
    return sent


def _case_of_contact(stage: Stage, sent: Sent) -> Sent:
    contact = "0035f00000aaaaaAAA"
    name = {"Salutation": "Mr.", "FirstName": "Test", "LastName": "User", "Name": "Test User"}
    stage.seed(
        {"Contact": {contact: name}, "Case": {"5005f00000aaaaaAAA": {"ContactId": contact, "CaseNumber": "00001005"}}}
    )
    return sent


def _locked(stage: Stage, sent: Sent) -> Sent:
    sent = replace(sent, path=sent.path.replace("001XXXXXXXXXXXXXXX", "001000000000LCK"))
    stage.seed({"Account": {to18("001000000000LCK"): {"Name": "x"}}})
    stage.order("faults", {"kind": "lock"})
    return sent


def _many_rows(name: str, count: int) -> Preparation:
    def act(stage: Stage, sent: Sent) -> Sent:
        stage.fill_up(name, count, {})
        return sent

    return act


def _page(soql: str, before: int, after: int) -> Preparation:
    """A page in the middle: rows stand before and after the ones it shows; the locator of its query is asked for."""

    def act(stage: Stage, sent: Sent) -> Sent:
        stage.fill_up("Account", before, EARLIER, "001000")
        stage.seed(stage.rows_in(sent.pair.answer))
        stage.fill_up("Account", after, LATER, "001zzz")
        base = f"/services/data/{sent.path.split('/')[3]}/query"
        headers = {"Sforce-Query-Options": f"batchSize={before}"}
        first = stage.call("GET", base, params={"q": soql}, headers=headers).json()
        return replace(sent, path=first["nextRecordsUrl"])

    return act


def _long_uri(stage: Stage, sent: Sent) -> Sent:
    return replace(sent, path="/services/data/v42.0/query/?q=" + "a" * 17000)


def _201_records(stage: Stage, sent: Sent) -> Sent:
    rows = [{"attributes": {"type": "Account"}, "Name": "x"}] * 201
    return replace(sent, body={"allOrNone": False, "records": rows})


def _26_parts(stage: Stage, sent: Sent) -> Sent:
    parts = [{"method": "GET", "url": "/services/data/v54.0/limits", "referenceId": f"r{n}"} for n in range(26)]
    return replace(sent, body={"compositeRequest": parts})


def _by_email(stage: Stage, sent: Sent) -> Sent:
    """Contacts that the recording found, by e-mail: the items it did not create."""
    rows = {
        one["id"]: {"Email": row["Email"].lower(), "LastName": "Before"}
        for row, one in zip(sent.body["records"], sent.pair.answer, strict=True)
        if not one["created"]
    }
    if rows:
        stage.seed({"Contact": rows})
    return sent


def _first_of_id(stage: Stage, sent: Sent) -> Sent:
    rows: dict[str, dict[str, Any]] = {}
    for row in sent.body["records"]:
        if row.get("Id"):
            rows.setdefault(row["attributes"]["type"], {})[row["Id"]] = {"LastName": "Before", "Name": "Before"}
    if rows:
        stage.seed(rows)
    return sent


def _wrong_id(good: str, wrong: str) -> Preparation:
    """The documented request names good ids, its answer speaks of a wrong one: sent with that."""

    def act(stage: Stage, sent: Sent) -> Sent:
        stage.seed({"Account": {"001xx000003DGb2AAG": {"Name": "Before"}}, "Contact": {good: {"LastName": "Before"}}})
        body = json.loads(json.dumps(sent.body).replace(good, wrong))
        return replace(sent, path=sent.path.replace(good, wrong), body=body)

    return act


def _duplicate(name: str, **row: Any) -> Preparation:
    def act(stage: Stage, sent: Sent) -> Sent:
        stage.call("POST", f"{DATA}/sobjects/{name}", json=row).raise_for_status()
        return replace(sent, body=sent.body or row)

    return act


def _collections_inside(stage: Stage, sent: Sent) -> Sent:
    """Documented without its request: two contacts, the second a duplicate, then another contact."""
    row = {"FirstName": "Erica", "LastName": "Johnson", "Email": "erica@example.com"}
    stage.call("POST", f"{DATA}/sobjects/Contact", json=row).raise_for_status()
    base = "/services/data/v66.0"
    rows = [{"attributes": {"type": "Contact"}, "LastName": "New"}, {"attributes": {"type": "Contact"}} | row]
    collection = {"method": "POST", "url": f"{base}/composite/sobjects", "referenceId": "collection1"}
    contact = {"method": "POST", "url": f"{base}/sobjects/Contact", "referenceId": "newContact"}
    parts = [collection | {"body": {"allOrNone": False, "records": rows}}, contact | {"body": {"LastName": "x"}}]
    return replace(sent, body={"allOrNone": True, "compositeRequest": parts})


def _known_external(stage: Stage, sent: Sent) -> Sent:
    row = {"Name": "Before", "MyExtId__c": "BBB"}
    stage.call("POST", f"{DATA}/sobjects/Account", json=row).raise_for_status()
    return sent


def _conditional(stage: Stage, sent: Sent) -> Sent:
    """The recorded instant lies after the schema's last change; ours has to as well."""
    parts = [
        one | {"httpHeaders": {"If-Modified-Since": "Thu, 03 Sep 2099 21:35:07 GMT"}}
        for one in sent.body["compositeRequest"]
    ]
    return replace(sent, body={"compositeRequest": parts})


def _replication(stage: Stage, sent: Sent) -> Sent:
    answer = sent.pair.answer
    stage.order("clock", {"now": "2013-05-08T21:20:30Z", "freeze": True})
    stamp = "2013-05-07T22:07:19.000+0000"
    gone = [one["id"] for one in answer.get("deletedRecords", ())]
    ids = gone or answer["ids"]
    # Our ids of custom objects carry our own key prefix.
    prefix = next(p for p, n in stage.prefixes.items() if n == "Merchandise__c")
    rows = {to18(prefix + one[3:15]): {"Name": "m", "SystemModstamp": stamp, "IsDeleted": bool(gone)} for one in ids}
    stage.seed({"Merchandise__c": rows})
    return sent


def _merchandise(stage: Stage, sent: Sent) -> Sent:
    row = {"Name": "Example Merchandise", "MerchandiseExtID__c": "123"}
    given = sent.pair.answer if "attributes" in sent.pair.answer else {}
    known = {k: v for k, v in given.items() if k in stage.fields("Merchandise__c") and k.endswith("__c")}
    stage.call("POST", f"{DATA}/sobjects/Merchandise__c", json=known | row).raise_for_status()
    return sent


ROWS: dict[str, Preparation] = {
    r"GET data/vxx.0/sobjects/Organization": _organization,
    r"recordCount.*Contact|extract_standard_objects#10": as_it_is,
    r"test_datasets_e2e#2 ": _many_rows("Account", 1),
    r"test_datasets_e2e#0 ": _many_rows("Account", 6),
    r"test_count_sobjects_simple": _many_rows("Account", 17),
    r"upsert by external id updates|get by external id": _merchandise,
    r"external id matches several": _many("Whizbang__c", "External__c", "foo"),
    r"already deleted record": _one("Contact", "003ak00000luULKAA2", LastName="x", IsDeleted=True),
    r"unique field clash": _taken,
    r"row lock": _locked,
    r"expired session": expired,
    r"daily request limit": fault(kind="limit"),
    r"URI too long": _long_uri,
    r"delete blocked by children": _case_of_contact,
    r"errors: server error": fault(kind="status", status=500),
    r"Id in a create body|malformed id|foreign key by external": as_it_is,
    r"collections: test_(simple_)?upsert__rest": _by_email,
    r"collections: test_upsert_complex": _first_of_id,
    r"collections: upsert-sobject-collection": as_it_is,
    r"composite: (test_composite_parallel|execute-dependent)": _one("Account", "001000000000ACC", Name="Smith Corp."),
    r"collections: more than 200": _201_records,
    r"collections: update-records.*partial": _wrong_id("003xx000004TmiQAAS", "001xx000003DGb2999"),
    r"collections: delete-records.*partial": _wrong_id("003xx000004TmiQAAS", "001RM000003oLrB000"),
    r"collections: create-records.*partial": _duplicate("Account", Name="example.com", BillingCity="San Francisco"),
    r"collections: retrieve by GET": _seeded(
        lambda sent: {
            "Account": {"001xx000003DGb1AAG": {"Name": "Acme"}, "001xx000003DGb0AAG": {"Name": "Global Media"}}
        }
    ),
    r"errors: duplicate rule block": _duplicate(
        "Contact", FirstName="Erica", LastName="Johnson", Email="erica@example.com"
    ),
    r"composite: collections inside": _collections_inside,
    r"collections: upsert-records-using-sobject-collections ok": _known_external,
    r"composite: test_http_headers": _conditional,
    r"composite: more than 25": _26_parts,
    r"test_reference_ids": as_it_is,
    r"query: articles GET": _page(
        "SELECT Id, Name, Description, LastModifiedDate, CreatedDate FROM Account ORDER BY LastModifiedDate ASC",
        1000,
        1082,
    ),
    r"query: retrieve-query-more": _page("SELECT Id, Name FROM Account", 2000, 82),
    r"query: aggregate cannot page": _many_rows("Account", 2086),
    r"query: query timeout": fault(
        kind="status",
        status=400,
        body=[{"message": "Your query request was running for too long.", "errorCode": "QUERY_TIMEOUT"}],
    ),
    r"updated_deleted": _replication,
}
