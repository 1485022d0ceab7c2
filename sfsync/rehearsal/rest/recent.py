"""What a user has looked at lately: the list behind ``recent``, ``recentItems`` and RecentlyViewed.

Kept by retrieving, creating, updating and upserting single rows; ``Sforce-Mru: updateMru=false`` leaves it alone
(vendor: MRU Header). Lists live in memory and are written down with the meters, at most a second later: looking at a
row is not a write that anybody was promised.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import digits
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.ids import to18

if TYPE_CHECKING:
    from sfsync.rehearsal.context import Context
    from sfsync.rehearsal.org import Org
    from sfsync.rehearsal.schema.model import SObject

MOST, MOST_OF_OBJECT = 200, 5
_KIND = "recent"
_OFF = re.compile(r"updateMru\s*=\s*false", re.IGNORECASE)


class Recent:
    """Ids by user, the latest last; safe to use from several threads."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._lock = threading.Lock()
        self._flushing = threading.Lock()  # held while writing down, without keeping callers from looking
        self._seen: dict[str, dict[str, None]] = {}
        self._dirty: set[str] = set()
        self.load()

    def load(self) -> None:
        """Takes up what the org has kept; after a reset that is nothing."""
        stored = self._org.state_list(_KIND)
        with self._lock:
            self._seen = {user: dict.fromkeys(one["ids"]) for user, one in stored.items()}
            self._dirty.clear()

    def clear(self) -> None:
        """Forgets all; what is just being written down is awaited, so that a reset can wipe it."""
        with self._flushing, self._lock:
            self._seen.clear()
            self._dirty.clear()

    def note(self, user_id: str, record_id: str) -> None:
        """The user has looked at this row."""
        with self._lock:
            seen = self._seen.setdefault(user_id, {})
            seen.pop(record_id, None)
            seen[record_id] = None
            if len(seen) > MOST:
                del seen[next(iter(seen))]
            self._dirty.add(user_id)

    def ids(self, user_id: str) -> list[str]:
        """The latest first."""
        with self._lock:
            return list(reversed(self._seen.get(user_id, {})))

    def flush(self) -> None:
        """Writes down what has changed."""
        with self._flushing:
            with self._lock:
                changed = {user: {"ids": list(self._seen[user])} for user in self._dirty}
                self._dirty.clear()
            for user, value in changed.items():
                self._org.state_put(_KIND, user, value)


def note(context: Context, call: Call, record_id: str | None) -> None:
    """Remembers the row a call was about, unless its header says not to."""
    if record_id is None or call.session is None or _OFF.search(call.header("Sforce-Mru")):
        return
    obj = context.org.seen.of_id(record_id)
    if obj is not None and obj.name_field is not None and ("V" in obj.calls or obj.custom):
        context.recent.note(call.session.user_id, to18(record_id))


def recent(context: Context, call: Call) -> Reply:
    """GET recent?limit=: rows of all objects, the latest first; deleted ones are left out."""
    asked = call.params.get("limit", "")
    most = min(digits.number(asked), MOST) if asked.isdecimal() else MOST
    return Reply(200, _rows(context, call, _of_caller(context, call))[:most])


def items(context: Context, call: Call, name: str) -> list[dict[str, Any]]:
    """The recent rows of one object, as its basic information shows them."""
    obj = context.org.seen.find(name)
    ids = [one for one in _of_caller(context, call) if context.org.seen.of_id(one) is obj]
    return _rows(context, call, ids[:MOST_OF_OBJECT])


def _of_caller(context: Context, call: Call) -> list[str]:
    return context.recent.ids(call.session.user_id) if call.session else []


def _rows(context: Context, call: Call, ids: list[str]) -> list[dict[str, Any]]:
    """One look-up per object, then in the order of ``ids``."""
    families: dict[str, list[str]] = {}
    for one in ids:
        obj = context.org.seen.of_id(one)
        if obj is not None and obj.name_field is not None:
            families.setdefault(obj.name, []).append(one)
    found: dict[str, dict[str, Any]] = {}
    for name, members in families.items():
        obj = context.org.seen.objects[name]
        rows = context.org.retrieve_many(name, members, ["Id", _name_of(obj)], version=call.version)
        found |= {row["Id"]: _shown(obj, row) for row in rows if row is not None}
    return [found[one] for one in ids if one in found]


def _name_of(obj: SObject) -> str:
    return obj.name_field.name if obj.name_field else "Id"


def _shown(obj: SObject, row: dict[str, Any]) -> dict[str, Any]:
    """``Name`` whatever the name field is called."""
    return {"attributes": row["attributes"], "Id": row["Id"], "Name": row[_name_of(obj)]}
