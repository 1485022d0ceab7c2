"""Change events: what Change Data Capture would publish, kept for 72 hours.

Only objects an admin has selected make events; with none selected a save pays nothing. Rows of one call that change
in the same way share one event with several recordIds. Values are in the form of the event bus (instants as
``2025-04-24T13:18:26.000Z``, compound fields nested). Source: wire reference 14.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sfsync.rehearsal.clock import instant
from sfsync.rehearsal.dml.batch import ABSENT
from sfsync.rehearsal.dml.rows import fetch
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.schema.model import Field, SObject
from sfsync.rehearsal.store.database import Database
from sfsync.rehearsal.store.state import take

KEPT = timedelta(hours=72)
ALL, TIP, EVERYTHING = "/data/ChangeEvents", -1, -2
_NEVER = frozenset({"Id", "IsDeleted", "SystemModstamp"})
Change = dict[str, Any]


def on(work: Work, obj: SObject) -> bool:
    return obj.name in work.event_objects


def event_name(obj: str) -> str:
    """``AccountChangeEvent``, ``Employee__ChangeEvent``."""
    return f"{obj[:-1]}ChangeEvent" if obj.endswith("__c") else f"{obj}ChangeEvent"


def created(work: Work, obj: SObject, ids: list[str], kind: str = "CREATE") -> None:
    """All fields, nulls included."""
    if not on(work, obj) or not ids:
        return
    names = [one.name for one in obj.fields if _published(obj, one)]
    stored = fetch(work.database, obj, ids, names)
    for one in ids:
        body = _body(obj, dict(zip(names, stored[one], strict=True)))
        _publish(work, obj, [one], kind, body, changed=[], nulled=[])


def updated(
    work: Work, obj: SObject, ids: list[str], columns: Mapping[str, list[Any]], old: Mapping[str, list[Any]]
) -> None:
    """Only what has changed; equal changes go together."""
    if not on(work, obj) or not ids:
        return
    groups: dict[str, tuple[Change, list[str]]] = {}
    names = [name for name in columns if (field := obj.find(name)) and _published(obj, field)]
    for row, one in enumerate(ids):
        change = {name: columns[name][row] for name in names if _differs(columns[name][row], old[name][row])}
        groups.setdefault(json.dumps(change, sort_keys=True), (change, []))[1].append(one)
    for change, members in groups.values():
        _publish_update(work, obj, members, change)


def _differs(now: Any, was: Any) -> bool:
    return now is not ABSENT and now != was


def _publish_update(work: Work, obj: SObject, ids: list[str], change: Change) -> None:
    whole = {**change, **({"LastModifiedDate": work.stamp} if obj.has("LastModifiedDate") else {})}
    paths = [_path(obj, name) for name in whole]
    nulled = [_path(obj, name) for name, value in change.items() if value is None]
    body = _body(obj, {name: value for name, value in whole.items() if value is not None})
    _publish(work, obj, ids, "UPDATE", body, changed=paths, nulled=nulled)


def gone(work: Work, obj: SObject, ids: list[str], kind: str) -> None:
    """No values: the row is known by its id alone."""
    if on(work, obj) and ids:
        _publish(work, obj, ids, kind, {}, changed=[], nulled=[])


def _published(obj: SObject, field: Field) -> bool:
    if not field.stored or field.mirror is not None or field.name in _NEVER:
        return False
    return field.name != "Name" or not any(_nested(obj, one) == "Name" for one in obj.fields)


def _nested(obj: SObject, field: Field) -> str | None:
    """The compound field an event nests this one under: addresses, and names of people."""
    if field.compound is None or (field.compound == "Name" and obj.name == "Account"):
        return None
    return field.compound


def _path(obj: SObject, name: str) -> str:
    field = obj.find(name)
    outer = _nested(obj, field) if field else None
    return name if outer is None or field is None else f"{outer}.{_inner(outer, name)}"


def _inner(outer: str, name: str) -> str:
    return name.removeprefix(outer.removesuffix("Address")) if outer.endswith("Address") else name


def _body(obj: SObject, values: Mapping[str, Any]) -> Change:
    body: Change = {}
    for name, value in values.items():
        field = obj.find(name)
        if field is None:
            continue
        outer = _nested(obj, field)
        if outer is None:
            body[name] = _value(field, value)
        elif value is not None:
            inner = body.get(outer) or {}
            body[outer] = {**inner, _inner(outer, name): _value(field, value)}
        else:
            body.setdefault(outer, None)
    return body


def _value(field: Field, value: Any) -> Any:
    if field.type == "boolean":
        return bool(value)
    return value.replace("+0000", "Z") if field.type == "datetime" and value else value


def _publish(
    work: Work, obj: SObject, ids: list[str], kind: str, body: Change, *, changed: list[str], nulled: list[str]
) -> None:
    scratch = work.database.scratch
    if "transaction" not in scratch:
        scratch["transaction"] = take(work.database, "transaction", 1)[0]
    scratch["events"] = scratch.get("events", 0) + 1
    client = f";client={work.options.client}" if work.options.client else ""
    header = {
        "entityName": obj.name,
        "recordIds": ids,
        "changeType": kind,
        "changeOrigin": f"com/salesforce/api/rest/{work.options.version}{client}",
        "transactionKey": _key(scratch["transaction"]),
        "sequenceNumber": scratch["events"],
        "commitTimestamp": int(datetime.fromisoformat(work.stamp).timestamp() * 1000),
        "commitNumber": scratch["transaction"],
        "commitUser": work.user_id,
        "nulledFields": nulled,
        "diffFields": [],
        "changedFields": changed,
    }
    work.database.run(
        "INSERT INTO org_event (object, at, header, body) VALUES (?, ?, ?, ?)",
        (obj.name, work.stamp, json.dumps(header), json.dumps(body)),
    )


def _key(number: int) -> str:
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def expire(database: Database, now: datetime) -> None:
    """Drops what is older than 72 hours."""
    due = instant(now - KEPT)
    if database.rows("SELECT 1 FROM org_event WHERE at < ? LIMIT 1", (due,)):
        database.run("DELETE FROM org_event WHERE at < ?", (due,))


def read(database: Database, objects: Iterable[str] | None, after: int, limit: int) -> list[dict[str, Any]]:
    """Kept events after a replay id: ``{"replayId", "object", "payload": {"ChangeEventHeader", ...}}``.

    ``after`` -2 is everything kept, -1 only what is yet to come; ``objects`` None is all of them.
    """
    if after == TIP:
        return []
    wanted = None if objects is None else json.dumps(sorted(objects))
    sql = (
        "SELECT replay_id, object, header, body FROM org_event WHERE replay_id > ?"
        " AND (? IS NULL OR object IN (SELECT value FROM json_each(?))) ORDER BY replay_id LIMIT ?"
    )
    found = database.rows(sql, (after, wanted, wanted, limit))
    return [
        {
            "replayId": number,
            "object": name,
            "payload": {"ChangeEventHeader": json.loads(header), **json.loads(body)},
        }
        for number, name, header, body in found
    ]
