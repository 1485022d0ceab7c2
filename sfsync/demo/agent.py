"""What people at the operator do in Salesforce during the tour: plain REST calls, no line of the sync engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

VERSION = "v62.0"


@dataclass(frozen=True)
class Agent:
    """A Salesforce user at work in the rehearsal org."""

    url: str
    token: str

    def change(self, kind: str, key_field: str, key: str, **fields: Any) -> None:
        """Edits one record, found by its external id."""
        self._call("PATCH", f"sobjects/{kind}/{key_field}/{quote(key, safe='')}", fields)

    def create(self, kind: str, **fields: Any) -> str:
        """Makes a record; returns its id."""
        return str(self._call("POST", f"sobjects/{kind}", fields)["id"])

    def delete(self, kind: str, key_field: str, key: str) -> None:
        """Deletes one record, found by its external id."""
        self._call("DELETE", f"sobjects/{kind}/{key_field}/{quote(key, safe='')}")

    def record_type(self, kind: str, name: str) -> str:
        """The id of a record type."""
        infos = self._call("GET", f"sobjects/{kind}/describe")["recordTypeInfos"]
        return next(str(i["recordTypeId"]) for i in infos if i["developerName"] == name)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = requests.request(
            method,
            f"{self.url}/services/data/{VERSION}/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}", "Sforce-Auto-Assign": "FALSE"},
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None
