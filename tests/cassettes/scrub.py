"""What must not be on a cassette, and what stands there instead.

Three kinds: secrets (tokens, assertions, passwords, keys), places (the host, the org's id), and personal values. The
operator whose records are recorded is made up, so every personal value we send is invented; a personal value that
only the org knows (a real sandbox has real people) is replaced. What nobody needs on replay is left out: cookies, most
headers, and of a describe the fields no mapping names.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sfsync.mapping import canon
from sfsync.mapping.model import FieldType
from sfsync.mapping.model import Mapping as Records

HOST = "example.my.salesforce.com"
URL = f"https://{HOST}"
ORG, ORG18 = "00DRh0000000001", "00DRh0000000001MAA"
TOKEN = f"{ORG}!SCRUBBED"
USERNAME = "integration@rehearsal.example"
GONE = "SCRUBBED"

KEPT_REQUEST = ("accept", "content-type", "if-modified-since", "sforce-auto-assign", "soapaction")
KEPT_RESPONSE = ("content-type", "date", "last-modified", "location", "sforce-limit-info", "sforce-locator")
TOKENS = frozenset({"access_token", "sessionId"})
RANDOM = frozenset({"ETag", "issued_at"})
TIMES = frozenset({"totalProcessingTime", "apiActiveProcessingTime", "apexProcessingTime"})
UNDER_WAY = {"state": "InProgress", "numberRecordsProcessed": 0, "numberRecordsFailed": 0}
SECRETS = frozenset({"assertion", "client_id", "client_secret", "password", "refresh_token", "signature", "id_token"})
PERSON = ("email", "family_name", "given_name", "name", "nickname", "preferred_username", "picture", "profile")
XML_TEXTS = {"userEmail": USERNAME, "userFullName": "Integration User", "userName": USERNAME, "organizationName": GONE}
RESERVED = re.compile(r"[@.]example(\.com|\.org|\.net)?$")  # RFC 2606: nobody's address
SPEAKING = (FieldType.TEXT, FieldType.CODE, FieldType.EMAIL, FieldType.PHONE, FieldType.USER)  # a date names nobody
NEEDED = frozenset(
    {"Id", "Name", "RecordTypeId", "SystemModstamp", "CreatedDate", "IsDeleted", "MasterRecordId", "IsPersonAccount"}
)


@dataclass
class Scrubber:
    """Scrubs what is recorded, and what is asked for on replay, so that both look the same.

    hosts      netlocs that stand for the org (instance and login host)
    literals   text -> what stands for it: secrets and ids known beforehand
    mappings   whose fields tell which values are personal
    """

    hosts: Iterable[str] = ()
    literals: Mapping[str, str] = field(default_factory=dict)
    mappings: Iterable[Records] = ()

    def __post_init__(self) -> None:
        self._personal = {
            n: f.type
            for m in self.mappings
            for f in m.synced
            if f.pii != "none" and f.type in SPEAKING
            for n in _names(f)
        }
        self._personal["Username"] = FieldType.USER
        self._named = _named(self.mappings)
        self._invented: dict[str, str] = {}
        ordered = sorted({k: v for k, v in self.literals.items() if k}.items(), key=lambda kv: -len(kv[0]))
        self._literals = ordered

    def invent(self, values: Iterable[Any]) -> None:
        """These values are made up and may stand on a cassette."""
        self._invented.update({v: v for v in values if isinstance(v, str)})

    # -- requests and responses -------------------------------------------------------------------------

    def uri(self, uri: str) -> str:
        """The address, on the host that stands for all."""
        parts = urlsplit(uri)
        host = HOST if not self.hosts or parts.netloc in self.hosts else parts.netloc
        return self.text(urlunsplit(("https", host, parts.path, parts.query, "")))

    def headers(self, headers: Mapping[str, Any], kept: Iterable[str]) -> dict[str, Any]:
        """Only the headers that mean something."""
        found = {k.lower(): v for k, v in headers.items()}
        return {k: _mapped(self.text, found[k]) for k in kept if k in found}

    def body(self, body: bytes | str | None, headers: Mapping[str, Any], *, ours: bool) -> str | None:
        """A body as text, unpacked and scrubbed; ``ours``: we sent it, so what it says of persons is invented."""
        if not body:
            return None
        raw = body.encode() if isinstance(body, str) else body
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
        kind = " ".join(str(v) for k, v in headers.items() if k.lower() == "content-type")
        if "json" in kind:
            return json.dumps(self._json(json.loads(text), ours), ensure_ascii=False)
        if "csv" in kind:
            return self._csv(text, ours)
        if "x-www-form-urlencoded" in kind:
            return urlencode([(k, self._value(k, v, ours=True)) for k, v in parse_qsl(text, keep_blank_values=True)])
        return self._xml(text) if "xml" in kind else self.text(text)

    def text(self, text: str) -> str:
        """Text without the literals."""
        for secret, stand_in in self._literals:
            text = text.replace(secret, stand_in)
        for host in self.hosts:
            text = re.sub(rf"(?:https?://)?{re.escape(host)}", lambda m: URL if "//" in m[0] else HOST, text)
        return text

    # -- kinds of bodies --------------------------------------------------------------------------------

    def _json(self, value: Any, ours: bool, key: str = "") -> Any:
        if isinstance(value, list):
            return [self._json(v, ours, key) for v in value]
        if not isinstance(value, dict):
            return self._value(key, value, ours)
        if isinstance(value.get("fields"), list) and "childRelationships" in value:
            return self._describe(value)
        if "preferred_username" in value:  # the identity service on ourselves
            value = {**value, **{k: USERNAME for k in PERSON if value.get(k)}}
        if "jobType" in value and value.get("state") in ("UploadComplete", "InProgress"):
            value = value | UNDER_WAY  # how far a job is, is a matter of luck
        return {k: self._json(v, ours, k) for k, v in value.items()}

    def _value(self, key: str, value: Any, ours: bool) -> Any:
        if not isinstance(value, str):
            return 0 if key in TIMES else value
        if key in TOKENS:
            return TOKEN
        if key in SECRETS | RANDOM:
            return GONE
        text = self.text(value)
        return self._person(key, text, ours) if key in self._personal else text

    def _person(self, key: str, text: str, ours: bool) -> str:
        if not text or RESERVED.search(text) or text == "#N/A":
            return text
        if ours:
            self.invent([text])
        if text not in self._invented:
            self._invented[text] = _stand_in(self._personal[key], len(self._invented))
        return self._invented[text]

    def _csv(self, text: str, ours: bool) -> str:
        text = self.text(text)
        rows = list(csv.reader(io.StringIO(text)))
        columns = [n for n, name in enumerate(rows[0]) if name.rpartition(".")[2] in self._personal] if rows else []
        before = [row.copy() for row in rows]
        for row in rows[1:]:
            for n in columns:
                row[n] = self._person(rows[0][n].rpartition(".")[2], row[n], ours)
        if rows == before:
            return text  # as it was written, quotes and all
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        return out.getvalue()

    def _xml(self, text: str) -> str:
        stands = {**XML_TEXTS, **dict.fromkeys(TOKENS, TOKEN), **dict.fromkeys(SECRETS, GONE)}
        for tag, stand_in in stands.items():
            text = re.sub(rf"(<(?:\w+:)?{tag}>)[^<]*", rf"\g<1>{stand_in}", text)
        return self.text(text)

    def _describe(self, value: dict[str, Any]) -> dict[str, Any]:
        kept = [f for f in value["fields"] if self._is_needed(value["name"], f)]
        shown = json.loads(self.text(json.dumps(value | {"fields": kept, "childRelationships": []})))
        return dict(shown)

    def _is_needed(self, name: str, one: dict[str, Any]) -> bool:
        named = self._named.get(name, frozenset())
        return not named or one["name"] in named | NEEDED or one["relationshipName"] in named


def _names(field: Any) -> list[str]:
    paths = [str(field.salesforce or ""), *field.also]
    return [p.rpartition(".")[2] for p in paths if p]


def _named(mappings: Iterable[Records]) -> dict[str, frozenset[str]]:
    """Per object the names its mappings use: fields, and relationships at the head of a path."""
    found: dict[str, set[str]] = {"User": {"Username", "IsActive"}, "Contact": set()}
    for mapping in mappings:
        shown = [p for f in mapping.fields.values() if f.salesforce for p in (str(f.salesforce), *f.also)]
        paths = [*canon.salesforce_paths(mapping), mapping.salesforce.key, *shown]
        found.setdefault(mapping.salesforce.object, set()).update(p.partition(".")[0] for p in paths)
        for path in paths:  # what a lookup leads to is asked for that field alone
            found.setdefault("Account", set()).add(path.rpartition(".")[2])
    return {name: frozenset(names) for name, names in found.items()}


def _stand_in(kind: FieldType, number: int) -> str:
    if kind in (FieldType.EMAIL, FieldType.USER):
        return f"persona{number}@posta.example"
    return f"+39 02 555 {number:04}" if kind is FieldType.PHONE else f"Persona {number}"


def _mapped(change: Any, value: Any) -> Any:
    if isinstance(value, list):
        return [_mapped(change, v) for v in value]
    return change(value.decode() if isinstance(value, bytes) else str(value))
