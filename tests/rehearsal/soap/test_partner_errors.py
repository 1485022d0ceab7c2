"""Errors of a result as XML."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from sfsync.rehearsal import errors, xml
from sfsync.rehearsal.soap.partner_xml import error_items
from tests.rehearsal.http.conftest import Client
from tests.rehearsal.soap.partner import XSI, Partner

ROW = {"attributes": {"type": "Contact", "url": "/x"}, "Id": "003000000000001AAA"}


def duplicate() -> dict[str, Any]:
    match = {
        "entityType": "Contact",
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "matchRecords": [{"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": ROW}],
        "rule": "Same_Mail",
        "size": 1,
        "success": True,
    }
    return {
        "allowSave": False,
        "duplicateRule": "Once",
        "duplicateRuleEntityType": "Contact",
        "errorMessage": "Look twice",
        "matchResults": [match],
    }


def test_a_duplicate_carries_what_it_found() -> None:
    found = error_items([errors.duplicates_detected(duplicate())])
    (error,) = ElementTree.fromstring(f'<r xmlns:xsi="{XSI[1:-1]}" xmlns:sf="urn:s">{found}</r>')
    assert error.get(f"{XSI}type") == "DuplicateError"
    assert [one.tag for one in error] == ["message", "statusCode", "duplicateResult"]
    result = error[2]
    assert [one.tag for one in result] == sorted(duplicate())
    match = result.find("matchResults/matchRecords")
    assert match is not None
    assert [one.tag for one in match] == ["matchConfidence", "record"]
    assert match.findtext("record/{urn:s}Id") == ROW["Id"]


def test_a_plain_error() -> None:
    found = error_items([errors.required_missing(["Name", "Phone"])])
    (error,) = ElementTree.fromstring(f"<r>{found}</r>")
    assert [one.tag for one in error] == ["fields", "fields", "message", "statusCode"]
    assert error.get(f"{XSI}type") is None
    assert error_items([]) == xml.Markup("")


def test_prefixes_in_values_are_bound(org: Client) -> None:
    org.create("Account", Name="x")
    soql = "<queryString>SELECT COUNT(Id) FROM Account</queryString>"
    text = Partner(org).post("query", soql).text
    assert 'xsi:type="xsd:int"' in text
    assert 'xmlns:xsd="http://www.w3.org/2001/XMLSchema"' in text
