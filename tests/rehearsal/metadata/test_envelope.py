"""SOAP envelopes: what is read, what is refused, how faults look."""

from __future__ import annotations

import pytest

from sfsync.rehearsal import xml
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.soap import envelope
from sfsync.rehearsal.soap.envelope import METADATA, PARTNER

_ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:u="urn:partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<s:Header><u:SessionHeader><u:sessionId> T&amp;1 </u:sessionId></u:SessionHeader></s:Header>"
    '<s:Body><u:create><u:sObjects xsi:type="u:sObject"><u:type>Account</u:type><Name xsi:nil="true"/>'
    "</u:sObjects></u:create></s:Body></s:Envelope>"
)


def test_a_message_is_read_by_local_names() -> None:
    message = envelope.read(_ENVELOPE.encode())
    assert (message.operation, message.namespace) == ("create", "urn:partner.soap.sforce.com")
    assert message.session_id == "T&1"
    assert message.text("sObjects/type") == "Account"
    name = message.body.find("sObjects/Name")
    assert name is not None and name.get("nil") == "true"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"<a/>",
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>',
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"),
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b"<a>" * 100_000,
    ],
)
def test_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(OrgError, match="UNKNOWN_EXCEPTION"):
        envelope.read(raw)


def test_a_document_type_is_refused_before_its_entities_are_read() -> None:
    with pytest.raises(xml.XmlError, match="document type"):
        xml.parse(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>')


def test_a_partner_fault_is_found_by_its_literal_prefix() -> None:
    reply = envelope.fault(PARTNER, "INVALID_FIELD", "a < b", "InvalidFieldFault")
    assert reply.status == 500 and reply.text is not None
    text = reply.text.decode()
    assert "<faultcode>sf:INVALID_FIELD</faultcode><faultstring>INVALID_FIELD: a &lt; b</faultstring>" in text
    assert '<sf:InvalidFieldFault xsi:type="sf:InvalidFieldFault"><sf:exceptionCode>INVALID_FIELD' in text
    xml.parse(reply.text)


def test_a_metadata_fault_has_no_detail() -> None:
    reply = envelope.fault(METADATA, "INVALID_SESSION_ID", "x")
    assert reply.text is not None and b"detail" not in reply.text


def test_values_become_xml() -> None:
    written = xml.element("a", {"b": [1, True], "c": None, "d": "x\x00<", "e": xml.Markup("<f/>"), "g": []})
    assert written == '<a><b>1</b><b>true</b><c xsi:nil="true"/><d>x\ufffd&lt;</d><e><f/></e></a>'
