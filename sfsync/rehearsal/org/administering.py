"""What an administrator sets beside the rows, and the change events the org keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml import events as change_events
from sfsync.rehearsal.dml.contention import Reckoning
from sfsync.rehearsal.dml.rules.users import set_licenses
from sfsync.rehearsal.org.base import Base
from sfsync.rehearsal.store import state


class Administers(Base):
    """All of it outlives a restart and goes with a reset."""

    # -- settings -----------------------------------------------------------------------------------------

    def save_clock(self) -> None:
        """Keeps the clock as it stands now; call it after changing ``clock``."""
        state.put(self._database, "org", "clock", self.clock.dump())

    def allow_audit_fields(self, allowed: bool) -> None:
        """The org's setting "Set Audit Fields upon Record Creation", off in a fresh org."""
        if allowed:
            state.put(self._database, "org", "audit_fields", {})
        else:
            state.delete(self._database, "org", "audit_fields")
        self._audit = allowed

    def set_licenses(self, name: str, total: int) -> None:
        """Gives the org so many user licences of a kind (``Salesforce``). Raises ValueError for an unknown kind."""
        set_licenses(self._database, name, total)

    def reckon_row_locks(self, reckoning: Reckoning | None) -> None:
        """Lets writers meet at the rows they share (``dml.contention``); None, as in a fresh org: they never do."""
        if reckoning is None:
            state.delete(self._database, "org", "row_locks")
        else:
            state.put(self._database, "org", "row_locks", reckoning.dump())
        self.locks.contention.reckoning = reckoning

    # -- change events ------------------------------------------------------------------------------------

    def select_change_events(self, objects: Iterable[str]) -> list[str]:
        """Selects the objects that publish change events (none at first). Raises OrgError NOT_FOUND."""
        names = sorted({self._object(one).name for one in objects})
        state.put(self._database, "org", "change_events", {"objects": names})
        self._event_objects = frozenset(names)
        return names

    def events(
        self, channel: str = change_events.ALL, *, after: int = change_events.EVERYTHING, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Kept change events of a channel (``/data/ChangeEvents``, ``/data/AccountChangeEvent``), oldest first.

        ``after``: a replay id, -1 for the tip, -2 for everything of the last 72 hours. Each is ``{"replayId",
        "object", "payload"}``. Raises OrgError NOT_FOUND for a channel without an object.
        """
        change_events.expire(self._database, self.clock.now())
        named = {change_events.event_name(one): one for one in self.schema.objects}
        if channel == change_events.ALL:
            return change_events.read(self._database, None, after, limit)
        obj = named.get(channel.removeprefix("/data/"))
        if obj is None:
            raise errors.not_found()
        return change_events.read(self._database, [obj], after, limit)
