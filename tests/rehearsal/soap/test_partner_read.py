"""query, queryMore, retrieve, getUpdated, getDeleted and the describes of the partner API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.rehearsal.http.conftest import Client, V
from tests.rehearsal.soap.partner import SF, XSI, P, Partner, fields, names, value


def query(soql: str) -> str:
    return f"<queryString>{soql.replace('&', '&amp;').replace('<', '&lt;')}</queryString>"


def test_rows(org: Client, partner: Partner) -> None:
    one = org.create("Account", Name="A & B", NumberOfEmployees=3)
    (result,) = partner.call("query", query("SELECT Id, Name, NumberOfEmployees, Phone, CreatedDate FROM Account"))
    assert names(result) == ["done", "queryLocator", "records", "size"]
    assert (value(result, "done"), value(result, "queryLocator"), value(result, "size")) == ("true", None, "1")
    record = result[2]
    assert record.get(f"{XSI}type") == "sf:sObject"
    *first, (created, when) = fields(record)
    wanted = [("type", "Account"), ("Id", one), ("Id", one), ("Name", "A & B"), ("NumberOfEmployees", "3")]
    assert first == [*wanted, ("Phone", None)]
    assert created == "CreatedDate"
    assert when is not None and datetime.fromisoformat(when).tzinfo is not None and when.endswith(".000Z")


def test_rows_without_an_id(org: Client, partner: Partner) -> None:
    org.create("Account", Name="x")
    (result,) = partner.call("query", query("SELECT Name FROM Account"))
    assert fields(result[2]) == [("type", "Account"), ("Id", None), ("Name", "x")]


def test_parents_and_children(org: Client, partner: Partner) -> None:
    account = org.create("Account", Name="x")
    org.create("Contact", LastName="with", AccountId=account)
    org.create("Contact", LastName="without")
    (result,) = partner.call("query", query("SELECT LastName, Account.Name FROM Contact ORDER BY LastName"))
    with_, without = (one.find(f"{SF}Account") for one in result.findall(f"{P}records"))
    assert with_ is not None and without is not None
    assert fields(with_) == [("type", "Account"), ("Id", None), ("Name", "x")]
    assert with_.get(f"{XSI}type") == "sf:sObject"
    assert without.get(f"{XSI}nil") == "true"
    (result,) = partner.call("query", query("SELECT Name, (SELECT LastName FROM Contacts) FROM Account"))
    children = result[2].find(f"{SF}Contacts")
    assert children is not None and children.get(f"{XSI}type") == "QueryResult"
    assert (value(children, "size"), fields(children[2])[2]) == ("1", ("LastName", "with"))


def test_aggregates_carry_types(org: Client, partner: Partner) -> None:
    org.create("Account", Name="x", NumberOfEmployees=3)
    (result,) = partner.call("query", query("SELECT Name, COUNT(Id) n FROM Account GROUP BY Name"))
    record = result[2]
    assert fields(record) == [("type", "AggregateResult"), ("Id", None), ("Name", "x"), ("n", "1")]
    assert [one.get(f"{XSI}type") for one in record[2:]] == ["xsd:string", "xsd:int"]
    (result,) = partner.call("query", query("SELECT COUNT() FROM Account"))
    assert (value(result, "size"), result.findall(f"{P}records")) == ("1", [])


def test_pages(org: Client, partner: Partner) -> None:
    for start in (0, 200, 400):
        rows = [{"attributes": {"type": "Account"}, "Name": f"{start + one}"} for one in range(200)]
        org.post(f"{V}/composite/sobjects", {"records": rows})
    (first,) = partner.call("query", query("SELECT Name FROM Account"))
    assert (value(first, "done"), len(first.findall(f"{P}records")), value(first, "size")) == ("false", 500, "600")
    more = f"<queryLocator>{value(first, 'queryLocator')}</queryLocator>"
    (second,) = partner.call("queryMore", more)
    assert (value(second, "done"), len(second.findall(f"{P}records"))) == ("true", 100)
    small = "<QueryOptions><batchSize>200</batchSize></QueryOptions>"
    (first,) = partner.call("query", query("SELECT Name FROM Account"), small)
    assert len(first.findall(f"{P}records")) == 200


def test_query_all(org: Client, partner: Partner) -> None:
    one = org.create("Account", Name="x")
    org.delete(f"{V}/sobjects/Account/{one}")
    soql = query("SELECT Id, IsDeleted FROM Account")
    assert value(partner.call("query", soql)[0], "size") == "0"
    (result,) = partner.call("queryAll", soql)
    assert fields(result[2])[-1] == ("IsDeleted", "true")


def test_faults_of_a_query(partner: Partner) -> None:
    fault = partner.fault("query", query("SELECT Nope FROM Account"))
    assert fault.findtext("faultcode") == "sf:INVALID_FIELD"
    detail = fault.find("detail")
    assert detail is not None
    sf = "{urn:fault.partner.soap.sforce.com}"
    assert detail[0].tag == f"{sf}InvalidFieldFault"
    wanted = ["exceptionCode", "exceptionMessage", "row", "column"]
    assert [one.tag.removeprefix(sf) for one in detail[0]] == wanted
    assert (detail[0].findtext(f"{sf}row"), detail[0].findtext(f"{sf}column")) == ("1", "8")
    fault = partner.fault("queryMore", "<queryLocator>01gnonsense-500</queryLocator>")
    assert fault.findtext("faultcode") == "sf:INVALID_QUERY_LOCATOR"
    fault = partner.fault("query", query("SELECT FROM"))
    assert fault.findtext("faultcode") == "sf:MALFORMED_QUERY"


def test_retrieve(org: Client, partner: Partner) -> None:
    one, other = org.create("Account", Name="A"), org.create("Account", Name="B")
    ids = "".join(f"<ids>{record_id}</ids>" for record_id in (other, "001000000000001AAA", one))
    asked = "<fieldList>Name, Phone</fieldList><sObjectType>Account</sObjectType>"
    b, missing, a = partner.call("retrieve", asked + ids)
    assert (fields(a)[:4], fields(b)[2]) == (
        [("type", "Account"), ("Id", one), ("Name", "A"), ("Phone", None)],
        ("Name", "B"),
    )
    assert missing.get(f"{XSI}nil") == "true"
    asked = "<fieldList>Nope</fieldList><sObjectType>Account</sObjectType>"
    assert partner.fault("retrieve", asked + ids).findtext("faultcode") == "sf:INVALID_FIELD"


def test_updated_and_deleted(org: Client, partner: Partner) -> None:
    kept, gone = org.create("Account", Name="A"), org.create("Account", Name="B")
    org.delete(f"{V}/sobjects/Account/{gone}")
    now = datetime.now(UTC)
    start, end = now - timedelta(minutes=5), now + timedelta(minutes=5)
    asked = "<sObjectType>Account</sObjectType>"
    asked += f"<startDate>{start:%Y-%m-%dT%H:%M:%S.000Z}</startDate><endDate>{end:%Y-%m-%dT%H:%M:%S.000Z}</endDate>"
    (updated,) = partner.call("getUpdated", asked)
    assert (names(updated), value(updated, "ids")) == (["ids", "latestDateCovered"], kept)
    (deleted,) = partner.call("getDeleted", asked)
    assert names(deleted) == ["deletedRecords", "earliestDateAvailable", "latestDateCovered"]
    assert (names(deleted[0]), value(deleted[0], "id")) == (["deletedDate", "id"], gone)
    assert str(value(deleted, "latestDateCovered")).endswith("Z")
    (unzoned,) = partner.call(
        "getUpdated", asked.replace("Z</", "</").replace(".000</startDate>", ".123456</startDate>")
    )
    assert value(unzoned, "ids") == kept
    fault = partner.fault("getUpdated", asked.replace("Account", "Nope"))
    assert fault.find("faultcode") is not None


def test_describe(partner: Partner) -> None:
    (result,) = partner.call("describeSObject", "<sObjectType>account</sObjectType>")
    told = names(result)
    assert (told == sorted(told), value(result, "name"), value(result, "keyPrefix")) == (True, "Account", "001")
    assert {"fields", "recordTypeInfos", "childRelationships", "urlNew"} <= set(told)
    assert not {"urls", "listviewable"} & set(told)
    (kind, *_) = result.findall(f"{P}recordTypeInfos")
    assert names(kind) == sorted(names(kind)) and "urls" not in names(kind)
    name = next(one for one in result.findall(f"{P}fields") if value(one, "name") == "Name")
    assert names(name) == sorted(names(name))
    assert (value(name, "soapType"), value(name, "nillable")) == ("xsd:string", "false")
    assert "calculatedFormula" not in names(name)


def test_describe_several_and_all(partner: Partner) -> None:
    asked = "<sObjectType>Account</sObjectType><sObjectType>Case</sObjectType>"
    assert [value(one, "name") for one in partner.call("describeSObjects", asked)] == ["Account", "Case"]
    fault = partner.fault("describeSObject", "<sObjectType>Nope</sObjectType>")
    assert fault.findtext("faultcode") == "sf:INVALID_TYPE"
    assert "sObject type 'Nope' is not supported." in str(fault.findtext("faultstring"))
    (result,) = partner.call("describeGlobal")
    assert names(result)[:3] == ["encoding", "maxBatchSize", "sobjects"]
    assert "Account" in [value(one, "name") for one in result.findall(f"{P}sobjects")]


@pytest.mark.parametrize("version", ["40.0", "60.0"])
def test_describe_keeps_to_its_version(org: Client, version: str) -> None:
    (result,) = Partner(org, version).call("describeSObject", "<sObjectType>Account</sObjectType>")
    assert ("extendedBy" in names(result)) is (version == "60.0")
