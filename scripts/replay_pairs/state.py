"""What has to be so before a pair's request is sent, and how the request reads on our org.

Most pairs need the records that they name; the others have a preparation of their own, found by the pair's name.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from scripts.replay_pairs.pairs import Pair
from scripts.replay_pairs.stage import DATA, Stage
from sfsync.rehearsal.ids import is_valid, to18

_IDS = re.compile(r"\b[a-zA-Z0-9]{15}(?:[A-Z0-5]{3})?\b")
Preparation = Callable[[Stage, "Sent"], "Sent"]


@dataclass(frozen=True)
class Sent:
    """The request as it goes to our org. ``token`` None: the standing session."""

    pair: Pair
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    token: str | None = None


def prepare(stage: Stage, pair: Pair) -> Sent:
    """Brings the org to the pair's state and returns the request to send."""
    sent = Sent(pair, pair.method, pair.path, pair.headers, pair.sent)
    for pattern, act in _BY_NAME.items():
        if re.search(pattern, pair.name):
            return act(stage, sent)
    _named_records(stage, pair)
    return sent


def _named_records(stage: Stage, pair: Pair) -> None:
    """Seeds what the answer shows and what the request names by id, and as many rows more as the answer counts."""
    rows = stage.rows_in(pair.answer)
    if not rows or pair.method != "GET":
        for one in set(_IDS.findall(pair.path)) | set(_IDS.findall(str(pair.sent))):
            name = stage.object_of(one) if is_valid(one) else None
            if name and any(c.isdigit() for c in one):
                rows.setdefault(name, {}).setdefault(to18(one), {"Name": "Before", "LastName": "Before"})
    stage.seed(rows)
    answer = pair.answer if isinstance(pair.answer, dict) else {}
    shown = answer.get("records") or []
    if "totalSize" in answer and shown and "url" in shown[0]["attributes"]:
        stage.fill_up(shown[0]["attributes"]["type"], answer["totalSize"] - len(shown), _LATER, "")


_LATER = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), "2099-01-01T00:00:00Z")
_EARLIER = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), "2001-01-01T00:00:00Z")


# -- single rows ------------------------------------------------------------------------------------------


def _seeded(rows: Callable[[Sent], dict[str, dict[str, dict[str, Any]]]]) -> Preparation:
    def act(stage: Stage, sent: Sent) -> Sent:
        stage.seed(rows(sent))
        return sent

    return act


def _one(name: str, record_id: str, **fields: Any) -> Preparation:
    return _seeded(lambda sent: {name: {record_id: fields}})


def _as_it_is(stage: Stage, sent: Sent) -> Sent:
    return sent


def _expired(stage: Stage, sent: Sent) -> Sent:
    return replace(sent, token="00D000000000000!expired")  # noqa: S106


def _fault(**order: Any) -> Preparation:
    def act(stage: Stage, sent: Sent) -> Sent:
        _named_records(stage, sent.pair)
        stage.order("faults", order)
        return sent

    return act


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


def _many_rows(name: str, count: int) -> Preparation:
    def act(stage: Stage, sent: Sent) -> Sent:
        stage.fill_up(name, count, {})
        return sent

    return act


def _page(soql: str, before: int, after: int) -> Preparation:
    """A page in the middle: rows stand before and after the ones it shows; the locator of its query is asked for."""

    def act(stage: Stage, sent: Sent) -> Sent:
        stage.seed(stage.rows_in(sent.pair.answer))
        stage.fill_up("Account", before, _EARLIER, "001000")
        stage.fill_up("Account", after, _LATER, "001zzz")
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


# -- the ways in ------------------------------------------------------------------------------------------


def _form(body: str) -> Preparation:
    def act(stage: Stage, sent: Sent) -> Sent:
        return replace(sent, body=body, token="")

    return act


# -- Bulk -------------------------------------------------------------------------------------------------

_LOAD = f"{DATA}/jobs/ingest"
_HEAD = "Name,StageName,external_id__c,CloseDate\n"
_GOOD = "".join(f"Noemi Miller,GENERATED,external-id-{n},2024-09-30\n" for n in range(7))


def _job(stage: Stage, **order: Any) -> dict[str, Any]:
    key = {"object": "Opportunity", "operation": "upsert", "externalIdFieldName": "external_id__c"}
    given = key | {"contentType": "CSV", "lineEnding": "LF"} | order
    return dict(stage.call("POST", _LOAD, json={k: v for k, v in given.items() if v}).json())


def _filled(stage: Stage, text: str, **order: Any) -> str:
    job = _job(stage, **order)
    headers = {"Content-Type": "text/csv"}
    stage.call("PUT", f"{_LOAD}/{job['id']}/batches", data=text.encode(), headers=headers).raise_for_status()
    return str(job["id"])


def _closed(stage: Stage, text: str, **order: Any) -> str:
    job = _filled(stage, text, **order)
    stage.call("PATCH", f"{_LOAD}/{job}", json={"state": "UploadComplete"}).raise_for_status()
    return job


def _load(text: str, state: str, **order: Any) -> Preparation:
    """A job brought to ``open``, ``filled``, ``closed`` or ``ended``; its id takes the recorded one's place."""

    def act(stage: Stage, sent: Sent) -> Sent:
        if state == "open":
            job = str(_job(stage, **order)["id"])
        else:
            job = _filled(stage, text, **order) if state == "filled" else _closed(stage, text, **order)
        if state == "ended":
            stage.wait(f"{_LOAD}/{job}")
        return replace(sent, path=re.sub(r"750\w+", job, sent.path))

    return act


def _running_load(stage: Stage, sent: Sent) -> Sent:
    stage.order("jobs", {"finish": "looks", "n": 3})
    return _load(_HEAD + _GOOD, "closed")(stage, sent)


def _gone_job(stage: Stage, sent: Sent) -> Sent:
    sent = _load(_HEAD + _GOOD, "ended")(stage, sent)
    stage.call("DELETE", sent.path).raise_for_status()
    return sent


def _ask(state: str, soql: str = "SELECT Id, Name FROM Account", rows: int = 3, **policy: Any) -> Preparation:
    def act(stage: Stage, sent: Sent) -> Sent:
        sent = _many_rows("Account", rows)(stage, sent)
        if policy:
            stage.order("jobs", policy)
        version = sent.path.split("/")[3]
        base = f"/services/data/{version}/jobs/query"
        job = stage.call("POST", base, json={"operation": "query", "query": soql}).json()["id"]
        if state == "ended":
            stage.wait(f"{base}/{job}")
        return replace(sent, path=re.sub(r"750\w+", job, sent.path))

    return act


# -- Bulk API 1.0 -----------------------------------------------------------------------------------------

_ASYNC = "/services/async/60.0/job"
_XML = {"Content-Type": "application/xml"}


def _element(text: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<]+)</{name}>", text)
    assert found is not None, text
    return found[1]


def _old_job(stage: Stage, operation: str, name: str, media: str = "CSV") -> str:
    key = "<externalIdFieldName>Id</externalIdFieldName>" if operation == "upsert" else ""
    text = (
        f'<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><operation>{operation}</operation>'
        f"<object>{name}</object>{key}<concurrencyMode>Parallel</concurrencyMode>"
        f"<contentType>{media}</contentType></jobInfo>"
    )
    return _element(stage.call("POST", _ASYNC, data=text, headers=_XML).text, "id")


def _old(
    operation: str, name: str, batch: str | None = None, media: str = "CSV", *, closed: bool = False
) -> Preparation:
    """A job of the old API with, maybe, a finished batch; their ids take the recorded ones' places."""

    def act(stage: Stage, sent: Sent) -> Sent:
        job = _old_job(stage, operation, name, media)
        path = re.sub(r"750[a-zA-Z0-9]+", job, sent.path)
        if batch is not None:
            kind = "application/json" if media == "JSON" else "text/csv"
            answer = stage.call("POST", f"{_ASYNC}/{job}/batch", data=batch.encode(), headers={"Content-Type": kind})
            made = answer.json()["id"] if media == "JSON" else _element(answer.text, "id")
            path = re.sub(r"751[a-zA-Z0-9]+", made, path)
            _await_batch(stage, f"{_ASYNC}/{job}/batch/{made}")
        if closed:
            text = '<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><state>Closed</state></jobInfo>'
            stage.call("POST", f"{_ASYNC}/{job}", data=text, headers=_XML).raise_for_status()
        return replace(sent, path=path.replace("/62.0/", "/60.0/"), body=_unchunked(sent.body))

    return act


def _await_batch(stage: Stage, path: str) -> None:
    for _ in range(500):
        if re.search(r"Completed|Failed", stage.call("GET", path).text):
            return
        time.sleep(0.02)
    raise TimeoutError(path)


def _unchunked(body: Any) -> Any:
    """Recorded uploads keep the lengths of chunked transfer between their lines."""
    if not isinstance(body, str) or not re.match(r"[0-9a-f]+\r?\n", body):
        return body
    return "\n".join(line for line in body.splitlines() if line.startswith('"')) + "\n"


_PEOPLE = '"FirstName","LastName","Email","Id"\n' + "".join(
    f'"A","Person {n}","p{n}@example.com",""\n' for n in range(16)
)
_DEALS = '"Name","CloseDate","StageName","Id"\n' + '"Deal","2021-10-03","In Progress",""\n' * 2
_TWO_KNOWN = (
    '"FirstName","LastName","Id"\n"A","B","003P000001avB5QIAU"\n"A","B","003P000001avB5SIAU"\n"A","B",""\n"A","C",""\n'
)


_FOUR_NEW = re.sub('003P[^"]+', "", _TWO_KNOWN)


def _two_known(stage: Stage, sent: Sent) -> Sent:
    stage.seed({"Contact": {one: {"LastName": "x"} for one in ("003P000001avB5QIAU", "003P000001avB5SIAU")}})
    return _old("upsert", "Contact", _TWO_KNOWN, closed=True)(stage, sent)


def _bulk_query(soql: str, **limits: Any) -> Preparation:
    def act(stage: Stage, sent: Sent) -> Sent:
        if limits:
            stage.order("limits", limits)
        return replace(sent, body={"operation": "query", "query": soql})

    return act


_BY_NAME: dict[str, Preparation] = {
    r"strategy_bulk#3[89]": _old("query", "Event", "SELECT Id FROM Event", "JSON"),
    r"bulk1: test_upsert_complex_fields__bulk#(7|15|31|39) ": _old("upsert", "Contact"),
    r"bulk1: test_upsert_complex_fields__bulk#(9|10) ": _old("upsert", "Contact", _PEOPLE, closed=True),
    r"bulk1: test_upsert_complex_fields__bulk#17 ": _old("upsert", "Opportunity"),
    r"bulk1: test_upsert_complex_fields__bulk#32 ": _old("upsert", "Contact", _FOUR_NEW, closed=True),
    r"bulk1: test_upsert_complex_fields__bulk#40 ": _old("upsert", "Opportunity", _DEALS, closed=True),
    r"bulk1: test_upsert_complex_fields__bulk#34 ": _two_known,
    r"bulk1: test_upsert_complex_fields__bulk#42 ": _old("upsert", "Opportunity", _DEALS, closed=True),
    r"bulk1: test_upsert_external_id_field#7 ": _old("insert", "Account"),
    r"bulk1: result CSV with a failed row": _old(
        "insert", "Contact", '"FirstName","LastName"\n"A","B"\n"A","C"\n"A",""\n'
    ),
    r"bulk1: session fault": _expired,
    r"jwt|inactive user": _as_it_is,
    r"password: generic": _form("grant_type=password&client_id=x&client_secret=y&username=u&password=p"),
    r"refresh: dead": _form("grant_type=refresh_token&client_id=x&refresh_token=r"),
    r"GET data/vxx.0/sobjects/Organization": _organization,
    r"recordCount.*Contact|extract_standard_objects#10": _as_it_is,
    r"test_datasets_e2e#2 ": _many_rows("Account", 1),
    r"test_datasets_e2e#0 ": _many_rows("Account", 6),
    r"test_count_sobjects_simple": _many_rows("Account", 17),
    r"upsert by external id updates|get by external id": _merchandise,
    r"external id matches several": _many("Whizbang__c", "External__c", "foo"),
    r"already deleted record": _one("Contact", "003ak00000luULKAA2", LastName="x", IsDeleted=True),
    r"unique field clash": _taken,
    r"row lock": _fault(kind="lock"),
    r"expired session": _expired,
    r"daily request limit": _fault(kind="limit"),
    r"URI too long": _long_uri,
    r"delete blocked by children": _case_of_contact,
    r"errors: server error": _fault(kind="status", status=500),
    r"Id in a create body|malformed id|foreign key by external": _as_it_is,
    r"collections: test_(simple_)?upsert__rest": _by_email,
    r"collections: test_upsert_complex": _first_of_id,
    r"collections: upsert-sobject-collection": _as_it_is,
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
    r"bulk2_query: compound": _bulk_query("SELECT BillingAddress FROM Account"),
    r"bulk2_query: daily bulk": _bulk_query("SELECT Id FROM Account", DailyBulkV2QueryFileStorageMB={"Remaining": 0}),
    r"collections: upsert-records-using-sobject-collections ok": _known_external,
    r"composite: test_http_headers": _conditional,
    r"composite: more than 25": _26_parts,
    r"test_reference_ids": _as_it_is,
    r"query: articles GET": _page(
        "SELECT Id, Name, Description, LastModifiedDate, CreatedDate FROM Account ORDER BY LastModifiedDate ASC",
        1000,
        1082,
    ),
    r"query: retrieve-query-more": _page("SELECT Id, Name FROM Account", 2000, 82),
    r"query: aggregate cannot page": _many_rows("Account", 2086),
    r"query: query timeout": _fault(
        kind="status",
        status=400,
        body=[{"message": "Your query request was running for too long.", "errorCode": "QUERY_TIMEOUT"}],
    ),
    r"updated_deleted": _replication,
    r"bulk2_ingest: upload CSV": _load("", "open"),
    r"bulk2_ingest: set UploadComplete": _load(_HEAD + _GOOD, "filled"),
    r"bulk2_ingest: poll InProgress": _running_load,
    r"bulk2_ingest: (poll JobComplete|failedResults)": _load(
        _HEAD + _GOOD + "Noemi Miller,GENERATED,external-id-9,2003-04-987654321987654321\n", "ended"
    ),
    r"bulk2_ingest: poll Failed": _load(
        _HEAD.replace("StageName", "StageName_invalid_field_on_purpose") + _GOOD, "ended"
    ),
    r"bulk2_ingest: GET of a deleted": _gone_job,
    r"bulk2_ingest: delete a job": _load(_HEAD + _GOOD, "ended"),
    r"bulk2_ingest: successfulResults": _load(
        "FirstName,LastName,My_External_Id__c\nTest,Contact-Create-1,Bulk-60076-k\nTest,Contact-Create-2,Bulk-60076-l\n",
        "ended",
        object="Contact",
        operation="insert",
        externalIdFieldName=None,
    ),
    r"bulk2_query: poll JobComplete": _ask("ended"),
    r"bulk2_query: results page": _ask("ended", rows=50_003),
    r"bulk2_query: abort": _ask("running", finish="looks", n=50),
    r"bulk2_query: delete a running": _ask("running", finish="looks", n=50),
}
