"""A rehearsal org to play on: the objects the recordings speak of, and the means to set it to a state."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from scripts.replay_pairs.metadata import write as write_metadata
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.serve import Ready, running

VERSION = "60.0"
DATA = f"/services/data/v{VERSION}"
_LONG = 60


class Stage:
    """The org and what is known of it. ``fresh`` empties it."""

    def __init__(self, ready: Ready) -> None:
        self.ready = ready
        self._session = requests.Session()
        self._described: dict[str, dict[str, Any]] = {}
        names = self.call("GET", f"{DATA}/sobjects").json()["sobjects"]
        self.prefixes = {one["keyPrefix"]: one["name"] for one in names if one["keyPrefix"]}

    def call(self, method: str, path: str, *, token: str | None = None, **more: Any) -> requests.Response:
        """A request with the standing session; ``token`` takes another, empty none."""
        headers = dict(more.pop("headers", {}))
        given = self.ready.access_token if token is None else token
        if given:
            headers = {"Authorization": f"Bearer {given}", "X-SFDC-Session": given} | headers
        url = self.ready.instance_url + path
        return self._session.request(method, url, headers=headers, timeout=_LONG, allow_redirects=False, **more)

    def order(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.call("POST", f"/rehearsal/{path}", json=body)
        answer.raise_for_status()
        return dict(answer.json())

    def fresh(self) -> None:
        self.order("reset", {})

    def fields(self, name: str) -> dict[str, dict[str, Any]]:
        """The fields of an object, by name."""
        if name not in self._described:
            self._described[name] = self.call("GET", f"{DATA}/sobjects/{name}/describe").json()
        return {one["name"]: one for one in self._described[name].get("fields", ())}

    def children(self, name: str) -> dict[str, tuple[str, str]]:
        """Relationship name -> (child object, its field)."""
        self.fields(name)
        found = self._described[name].get("childRelationships", ())
        return {
            one["relationshipName"]: (one["childSObject"], one["field"]) for one in found if one["relationshipName"]
        }

    def object_of(self, record_id: str) -> str | None:
        return self.prefixes.get(record_id[:3]) if is_valid(record_id) else None

    def seed(self, rows: dict[str, dict[str, dict[str, Any]]]) -> None:
        """Exact rows: object -> id -> fields. Fields the org does not have are left out."""
        records = {}
        for name, by_id in rows.items():
            known = self.fields(name)
            good = {
                f for f, one in known.items() if one["type"] not in ("address", "location") and not one["calculated"]
            }
            records[name] = [
                {"Id": one} | {k: v for k, v in fields.items() if k in good and k != "Id"}
                for one, fields in by_id.items()
            ]
        self.order("seed", {"exact": True, "records": records})

    def rows_in(self, value: Any, rows: dict[str, dict[str, dict[str, Any]]] | None = None) -> dict[str, Any]:
        """Every record an answer shows, by object and id: the state in which the org would give that answer."""
        rows = {} if rows is None else rows
        if isinstance(value, list):
            for one in value:
                self.rows_in(one, rows)
        elif isinstance(value, dict):
            if isinstance(value.get("attributes"), dict) and "url" in value["attributes"]:
                self._row(value, rows)
            else:
                for one in value.values():
                    self.rows_in(one, rows)
        return rows

    def _row(self, row: dict[str, Any], rows: dict[str, dict[str, dict[str, Any]]]) -> str | None:
        name, record_id = row["attributes"]["type"], row["attributes"]["url"].rpartition("/")[2]
        if not is_valid(record_id) or self.object_of(record_id) != name:
            return None
        kept = rows.setdefault(name, {}).setdefault(to18(record_id), {})
        relations = {f["relationshipName"]: f["name"] for f in self.fields(name).values() if f["relationshipName"]}
        for key, value in row.items():
            if isinstance(value, dict) and key in relations and "attributes" in value:
                kept[relations[key]] = self._row(value, rows)
            elif isinstance(value, dict) and "records" in value:
                self._child_rows(name, key, to18(record_id), value["records"], rows)
            elif key != "attributes" and not isinstance(value, dict | list):
                kept[key] = value
        return to18(record_id)

    def _child_rows(self, name: str, relation: str, parent: str, found: list[Any], rows: dict[str, Any]) -> None:
        child = self.children(name).get(relation)
        for one in found if child else ():
            child_id = self._row(one, rows)
            if child and child_id:
                rows[child[0]][child_id][child[1]] = parent

    def fill_up(self, name: str, count: int, fields: dict[str, Any], ids: str = "") -> None:
        """``count`` more exact rows; ``ids`` begins their ids, so that they sort before or after others."""
        known = self.fields(name)
        rows = []
        for number in range(count):
            row = {"Name": f"Row {number}", "LastName": f"Row {number}", "Subject": f"Row {number}"} | fields
            one = {k: v for k, v in row.items() if k in known and (known[k]["createable"] or k in fields)}
            rows.append(one | ({"Id": to18(f"{ids}{number:0{15 - len(ids)}d}")} if ids else {}))
        self.order("seed", {"exact": True, "records": {name: rows}})

    def wait(self, path: str, states: tuple[str, ...] = ("JobComplete", "Failed", "Aborted")) -> dict[str, Any]:
        """Polls a Bulk 2.0 job until it has come to an end."""
        end = time.monotonic() + _LONG
        while time.monotonic() < end:
            job = dict(self.call("GET", path).json())
            if job["state"] in states:
                return job
            time.sleep(0.02)
        raise TimeoutError(f"{path} did not finish")


@contextmanager
def opened(folder: Path) -> Iterator[Stage]:
    """A served org in ``folder`` with the metadata of the recordings."""
    write_metadata(folder / "force-app")
    with running(folder / "org", force_app=folder / "force-app") as ready:
        yield Stage(ready)
