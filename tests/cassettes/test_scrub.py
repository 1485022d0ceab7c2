"""Nothing secret and nobody real is on a cassette."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from sfsync.mapping.load import load
from tests.cassettes.scrub import TOKEN, URL, USERNAME, Scrubber
from tests.cassettes.stage import ROOT
from tests.cassettes.tape import FOLDER

CASSETTES = sorted(FOLDER.glob("*.yaml"))
FORBIDDEN = {
    "a session id": r"00D\w{12,15}!(?!SCRUBBED\b)",
    "a bearer header": r"(?i)\bbearer\s+\S{8}|\bOAuth\s+00D",
    "a header with secrets": r"(?im)^\s*'?(authorization|cookie|set-cookie|x-request-id|x-sfdc-\w+)'?:",
    "an assertion": r"assertion=(?!SCRUBBED\b)|\beyJ[\w-]{8,}",
    "a consumer key": r"\b3MVG9",
    "a refresh token": r"\b5Aep",
    "a key": r"-----BEGIN",
    "basic authorization": r"\bBasic [A-Za-z0-9+/=]{8,}",
    "a password": r"(?i)(password|client_secret|security_token)\b\W{1,3}(?!SCRUBBED\b)\w{6,}",
    "a host": r"https?://(?!example\.my\.salesforce\.com|schemas\.xmlsoap\.org|www\.w3\.org)[\w.-]+\.\w+",
    "loopback": r"127\.0\.0\.1|localhost",
}
RESERVED = re.compile(r"@[\w.-]*\bexample(\.com|\.org|\.net)?$")


@pytest.mark.parametrize("path", CASSETTES, ids=lambda p: p.stem)
def test_a_cassette_holds_no_secret(path: Path) -> None:
    text = path.read_text("utf-8")
    found = {what: re.findall(pattern, text)[:3] for what, pattern in FORBIDDEN.items() if re.search(pattern, text)}
    assert not found


@pytest.mark.parametrize("path", CASSETTES, ids=lambda p: p.stem)
def test_every_address_on_a_cassette_is_invented(path: Path) -> None:
    found = set(re.findall(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*", path.read_text("utf-8")))
    assert [one for one in found if not RESERVED.search(one)] == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a session id", "access_token: 00DRh0000000001!AQEAQ.x"),
        ("a bearer header", "Authorization: Bearer 00DRh0000000001"),
        ("a header with secrets", "    set-cookie: ['BrowserId=x']"),
        ("an assertion", "assertion=eyJhbGciOiJSUzI1NiJ9"),
        ("a password", "<n1:password>geheim1234</n1:password>"),
        ("a host", "instance_url: https://acme.my.salesforce.com"),
    ],
)
def test_the_search_finds_what_it_looks_for(what: str, text: str) -> None:
    assert re.search(FORBIDDEN[what], text)


# -- the scrubber -------------------------------------------------------------------------------------------

JSON = {"Content-Type": "application/json;charset=UTF-8"}
CSV = {"Content-Type": "text/csv"}
SECRET = "00D5g00000LMn01!AQ.secret"


@pytest.fixture(scope="module")
def mappings() -> list[object]:
    return list(load(ROOT / "mappings").values())


@pytest.fixture
def scrubber(mappings: list[object]) -> Scrubber:
    literals = {SECRET: TOKEN, "sync@acme.it": USERNAME, "geheim1234": "SCRUBBED"}
    return Scrubber({"acme--dev.my.salesforce.com"}, literals, mappings)  # type: ignore[arg-type]


def test_a_token_and_its_host(scrubber: Scrubber) -> None:
    answer = {"access_token": SECRET, "instance_url": "https://acme--dev.my.salesforce.com", "signature": "abc="}
    found = json.loads(scrubber.body(json.dumps(answer), JSON, ours=False) or "")
    assert found == {"access_token": TOKEN, "instance_url": URL, "signature": "SCRUBBED"}
    assert scrubber.uri("https://acme--dev.my.salesforce.com/services/data?x=1") == f"{URL}/services/data?x=1"


def test_a_login_form_and_a_soap_login(scrubber: Scrubber) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    text = scrubber.body("grant_type=jwt&assertion=eyJh.eyJi.c&client_id=3MVG9x", form, ours=True)
    assert text == "grant_type=jwt&assertion=SCRUBBED&client_id=SCRUBBED"
    soap = (
        f"<n1:username>sync@acme.it</n1:username><n1:password>geheim1234</n1:password><sessionId>{SECRET}</sessionId>"
    )
    shown = scrubber.body(soap + "<userFullName>Anna Verdi</userFullName>", {"content-type": "text/xml"}, ours=True)
    assert not re.search("acme|geheim|secret|Verdi", str(shown))


def test_only_headers_that_mean_something_stay(scrubber: Scrubber) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "Cookie": "sid=1", "Content-Type": "text/csv"}
    assert scrubber.headers(headers, ("content-type",)) == {"content-type": "text/csv"}


def test_people_only_the_org_knows_are_replaced(scrubber: Scrubber) -> None:
    sent = {"records": [{"LastName": "Inventata", "PersonEmail": "lia@posta.example", "PersonMailingCity": "Enna"}]}
    scrubber.body(gzip.compress(json.dumps(sent).encode()), JSON, ours=True)
    rows = [
        {"LastName": "Inventata", "PersonEmail": "lia@posta.example", "PersonMailingCity": "Enna", "Id": "001"},
        {"LastName": "Bianchi", "PersonEmail": "vera@mail.it", "PersonMailingCity": "Lecce", "Id": "002"},
        {"LastName": "Bianchi", "PersonEmail": None, "Owner": {"Username": "capo@acme.it"}, "Id": "003"},
    ]
    text = scrubber.body(json.dumps(rows), JSON, ours=False) or ""
    first, second, third = json.loads(text)
    assert first == rows[0]
    assert not re.search(r"Bianchi|vera|Lecce|capo|acme", text)
    assert second["LastName"] == third["LastName"]
    assert RESERVED.search(second["PersonEmail"])
    assert third["PersonEmail"] is None


def test_people_in_a_csv_are_replaced(scrubber: Scrubber) -> None:
    text = 'Id,LastName,PersonEmail,SFS_Tier__c\n"001","Bianchi, Anna","vera@mail.it","VIP"\n'
    found = scrubber.body(text, CSV, ours=False) or ""
    assert not re.search("Bianchi|vera", found)
    assert found.splitlines()[1].endswith(",VIP")
    invented = 'Id,SFS_Tier__c\n"001","VIP"\n'
    assert scrubber.body(invented, CSV, ours=False) == invented


def test_the_identity_service_tells_nothing_of_us(scrubber: Scrubber) -> None:
    answer = {
        "preferred_username": "sync@acme.it",
        "name": "Anna Verdi",
        "email": "anna@acme.it",
        "organization_id": "00D",
    }
    text = scrubber.body(json.dumps(answer), JSON, ours=False) or ""
    assert not re.search("Verdi|acme", text)
    assert json.loads(text)["preferred_username"] == USERNAME
