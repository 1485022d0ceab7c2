"""A client of the partner API that builds its envelopes by hand, as jsforce does."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import requests

from tests.rehearsal.http.conftest import Client

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
P = "{urn:partner.soap.sforce.com}"
SF = "{urn:sobject.partner.soap.sforce.com}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


def sobject(kind: str, tag: str = "sObjects", **fields: Any) -> str:
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f"<{tag}><type>{kind}</type>{inside}</{tag}>"


def someone(org: Client, profile: str) -> str:
    """A user named else@rehearsal.example; its id."""
    found = org.query(f"SELECT Id FROM Profile WHERE Name = '{profile}'")["records"][0]["Id"]
    person = {"LastName": "Else", "Alias": "els", "Email": "e@example.com", "Username": "else@rehearsal.example"}
    keys = {"TimeZoneSidKey": "Europe/Rome", "LocaleSidKey": "it_IT", "LanguageLocaleKey": "en_US"}
    return org.create("User", **person, **keys, ProfileId=found, EmailEncodingKey="UTF-8")


class Partner:
    """Calls operations; ``call`` wants an answer, ``fault`` a fault."""

    def __init__(self, org: Client, version: str = "60.0", path: str = "u") -> None:
        self.org = org
        self.url = f"/services/Soap/{path}/{version}"
        self.token = org.ready.access_token

    def post(self, operation: str, inside: str = "", headers: str = "", spaces: str = "") -> requests.Response:
        session = f"<SessionHeader><sessionId>{self.token}</sessionId></SessionHeader>"
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
            ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f'<soapenv:Header xmlns="urn:partner.soap.sforce.com">{session}{headers}</soapenv:Header>'
            f'<soapenv:Body xmlns="urn:partner.soap.sforce.com"><{operation}{spaces}>{inside}</{operation}>'
            "</soapenv:Body></soapenv:Envelope>"
        )
        sent = {"Content-Type": "text/xml", "SOAPAction": '""', "Authorization": ""}
        return self.org.call("POST", self.url, data=text.encode(), headers=sent)

    def call(self, operation: str, inside: str = "", headers: str = "", spaces: str = "") -> list[Element]:
        """The ``result`` elements of an answer."""
        answer = self.post(operation, inside, headers, spaces)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "text/xml;charset=UTF-8"
        body = ElementTree.fromstring(answer.content).find(f"{SOAP}Body")
        assert body is not None
        assert [one.tag for one in body] == [f"{P}{operation}Response"]
        return body[0].findall(f"{P}result")

    def fault(self, operation: str, inside: str = "", headers: str = "") -> Element:
        answer = self.post(operation, inside, headers)
        assert answer.status_code == 500, answer.text
        found = ElementTree.fromstring(answer.content).find(f"{SOAP}Body/{SOAP}Fault")
        assert found is not None
        return found


def value(element: Element, path: str) -> str | None:
    """The text at a path of partner names; None for a nil."""
    found = element.find("/".join(P + one for one in path.split("/")))
    assert found is not None, path
    return None if found.get(f"{XSI}nil") == "true" else found.text or ""


def names(element: Element) -> list[str]:
    return [one.tag.replace(P, "").replace(SF, "sf:") for one in element]


def fields(element: Element) -> list[tuple[str, str | None]]:
    """Fields of an sObject in order."""
    return [(one.tag.removeprefix(SF), None if one.get(f"{XSI}nil") == "true" else one.text or "") for one in element]
