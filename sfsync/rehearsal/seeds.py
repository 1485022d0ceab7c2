"""Rows to begin with: named seeds of the package, or rows given by whoever drives the org.

Loading is an upsert of users by user name, so a seed may be loaded again; other objects are inserted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal.dml.options import QUIET

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

_CHUNK = 200
_USER_DEFAULTS = {
    "EmailEncodingKey": "UTF-8",
    "LanguageLocaleKey": "en_US",
    "LocaleSidKey": "it_IT",
    "TimeZoneSidKey": "Europe/Rome",
    "IsActive": True,
}
Records = Mapping[str, list[dict[str, Any]]]


class SeedError(ValueError):
    """A seed that does not exist or whose rows the org refuses."""


def names() -> list[str]:
    return list(_known())


def _known() -> dict[str, dict[str, list[dict[str, Any]]]]:
    found: dict[str, Any] = json.loads((files("sfsync.rehearsal") / "seeds.json").read_text("utf-8"))
    return found


def load(org: Org, name: str) -> dict[str, int]:
    """Loads a named seed; returns the number of rows per object. SeedError for an unknown name."""
    known = _known()
    if name not in known:
        raise SeedError(f"no seed is called {name!r}; there are: {', '.join(known)}")
    return load_records(org, known[name])


def load_records(org: Org, records: Records) -> dict[str, int]:
    """Loads rows by object, in the order given, in one transaction. SeedError names the first refused row."""
    counts = {}
    with org.transaction():
        for name, rows in records.items():
            counts[name] = seed_users(org, rows) if name.lower() == "user" else _insert(org, name, rows)
    return counts


def load_exact(org: Org, records: Records) -> dict[str, int]:
    """Loads rows as they are, Id, audit fields and deleted ones included, in one transaction. Raises ValueError."""
    with org.transaction():
        return {name: len(org.restore(name, rows)) for name, rows in records.items()}


def seed_users(org: Org, rows: Iterable[Mapping[str, Any]]) -> int:
    """Users with the tiresome fields filled in: e-mail, alias, locale, time zone, profile."""
    profile = _profile(org)
    full = [{**_USER_DEFAULTS, **_derived(row, profile), **row} for row in rows]
    for start in range(0, len(full), _CHUNK):
        _check("User", start, org.upsert("User", "Username", full[start : start + _CHUNK]))
    return len(full)


def _derived(row: Mapping[str, Any], profile: str | None) -> dict[str, Any]:
    username = str(row.get("Username", ""))
    short = username.partition("@")[0]
    derived = {"Email": username, "Alias": short[:8]}
    return {**derived, "ProfileId": profile} if profile else derived


def _profile(org: Org) -> str | None:
    found = list(org.query("SELECT Id FROM Profile WHERE Name = 'Standard User'").records)
    return str(found[0]["Id"]) if found else None


def _insert(org: Org, name: str, rows: list[dict[str, Any]]) -> int:
    for start in range(0, len(rows), _CHUNK):
        results = org.insert(name, rows[start : start + _CHUNK], options=QUIET)
        _check(name, start, results)
    return len(rows)


def _check(name: str, start: int, results: Iterable[Any]) -> None:
    for number, result in enumerate(results, start):
        if not result.success:
            raise SeedError(f"row {number + 1} of {name} was refused: {result.errors[0]}; nothing was loaded")
