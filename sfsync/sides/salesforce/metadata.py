"""What the org says about its objects, asked once per run and kept between runs.

All objects of all mappings in one ``/composite`` call; what has not changed since the last run answers 304 and comes
from the cache (wire reference 1, 8). A cached answer is used for a day at most: permissions of the user change what a
describe shows without changing its date.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sfsync.sides.salesforce import faults
from sfsync.sides.salesforce.session import Session

AT_ONCE = 25  # subrequests in a composite call
KEPT_S = 24 * 3600
LONG_TEXT = 256  # a textarea at least this long makes Salesforce send smaller pages


class ObjectInfo:
    """A describe with the look-ups sfsync needs; ``raw`` is the REST JSON, empty if the object is not there."""

    def __init__(self, name: str, raw: dict[str, Any]) -> None:
        self.name, self.raw = name, raw
        fields = raw.get("fields") or ()
        self._fields: dict[str, dict[str, Any]] = {f["name"].lower(): f for f in fields}
        self._lookups = {f["relationshipName"].lower(): f for f in fields if f.get("relationshipName")}

    def field(self, name: str) -> dict[str, Any] | None:
        """The describe of a field, None if it does not exist or the user cannot see it."""
        return self._fields.get(name.lower())

    def lookup(self, relationship: str) -> dict[str, Any] | None:
        """The lookup field behind a relationship name (``Account`` -> AccountId, ``X__r`` -> X__c)."""
        return self._lookups.get(relationship.lower())

    def visible(self, path: str) -> bool:
        """True if the field, or the lookup at the head of a dotted path, can be read."""
        head, dot, _ = path.partition(".")
        return (self.lookup(head) if dot else self.field(head)) is not None

    def record_types(self) -> dict[str, str]:
        """Developer name -> id of the record types the user may use."""
        infos = self.raw.get("recordTypeInfos") or ()
        return {i["developerName"]: i["recordTypeId"] for i in infos if i.get("available", True)}

    def page_rows(self, paths: Iterable[str]) -> int:
        """Rows Salesforce will put on a page of these fields (wire reference 9): 2,000, 1,000 or 200."""
        named = [self.field(p) for p in paths]
        long = sum(1 for f in named if f and f["type"] == "textarea" and f["length"] >= LONG_TEXT)
        return (2_000, 1_000, 200)[min(long, 2)]


class Describes:
    """Describes by object name, cached in ``folder`` (nothing personal is in them)."""

    def __init__(self, session: Session, folder: Path) -> None:
        self._session = session
        self._folder = folder
        self._known: dict[str, ObjectInfo] = {}

    def get(self, names: Sequence[str]) -> dict[str, ObjectInfo]:
        """The describes of these objects; those not known yet are asked for, 25 to a call."""
        missing = [n for n in dict.fromkeys(names) if n not in self._known]
        for start in range(0, len(missing), AT_ONCE):
            self._ask(missing[start : start + AT_ONCE])
        return {n: self._known[n] for n in names}

    def one(self, name: str) -> ObjectInfo:
        """The describe of one object."""
        return self.get([name])[name]

    def lookups(self, names: Sequence[str], paths: dict[str, list[str]]) -> dict[str, dict[str, ObjectInfo]]:
        """For each object the describes its dotted ``paths`` lead to, by object name.

        A lookup to several objects (an owner) is left out: its targets are not one object.
        """
        own = self.get(names)
        targets = {n: [t for p in paths[n] if (t := _target(own[n], p))] for n in names}
        self.get([t for found in targets.values() for t in found])
        return {n: {t: self._known[t] for t in found} for n, found in targets.items()}

    def _ask(self, names: list[str]) -> None:
        cached = {n: self._cached(n) for n in names}
        requests = [self._request(i, n, cached[n]) for i, n in enumerate(names)]
        answer = self._session.call("POST", "composite", json_body={"compositeRequest": requests})
        for name, part in zip(names, answer.data["compositeResponse"], strict=True):
            self._known[name] = ObjectInfo(name, self._taken(name, part, cached[name]))

    def _request(self, number: int, name: str, cached: dict[str, Any] | None) -> dict[str, Any]:
        url = f"{self._session.data_path}sobjects/{name}/describe"
        request: dict[str, Any] = {"method": "GET", "url": url, "referenceId": f"describe{number}"}
        if cached:
            request["httpHeaders"] = {"If-Modified-Since": cached["last_modified"]}
        return request

    def _taken(self, name: str, part: dict[str, Any], cached: dict[str, Any] | None) -> dict[str, Any]:
        status, body = part["httpStatusCode"], part["body"]
        if status == 304 and cached:
            return dict(cached["describe"])
        if status == 200:
            self._keep(name, body, part.get("httpHeaders", {}).get("Last-Modified"))
            return dict(body)
        if status == 404:
            return {}
        raise faults.Refused(status, [faults.of_item(i) for i in body or ()], f"describe of {name}")

    def _file(self, name: str) -> Path:
        config = self._session.config
        connection = self._session.connect()
        who = f"{connection.sf_instance} {self._session.username} {config.auth} {config.api_version}"
        digest = hashlib.blake2b(who.encode(), digest_size=8).hexdigest()
        return self._folder / f"describe-{digest}-{name}.json"

    def _cached(self, name: str) -> dict[str, Any] | None:
        path = self._file(name)
        try:
            if time.time() - path.stat().st_mtime > KEPT_S:
                return None
            found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and {"last_modified", "describe"} <= found.keys() else None

    def _keep(self, name: str, describe: dict[str, Any], last_modified: str | None) -> None:
        if not last_modified:
            return
        path = self._file(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps({"last_modified": last_modified, "describe": describe}), "utf-8")
        draft.replace(path)


def _target(info: ObjectInfo, path: str) -> str | None:
    """The one object a dotted path leads to."""
    relationship, dot, _ = path.partition(".")
    found = info.lookup(relationship) if dot else None
    targets = (found or {}).get("referenceTo") or []
    return str(targets[0]) if len(targets) == 1 else None
