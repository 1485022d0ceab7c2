"""The parts of a running rehearsal org that handlers work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfsync.rehearsal.bulk.jobs import Jobs
    from sfsync.rehearsal.call import Call
    from sfsync.rehearsal.entry.credentials import Credentials
    from sfsync.rehearsal.entry.sessions import Sessions
    from sfsync.rehearsal.faults import Faults
    from sfsync.rehearsal.limits import Limits
    from sfsync.rehearsal.locators import Locators
    from sfsync.rehearsal.org import Org
    from sfsync.rehearsal.rest.recent import Recent
    from sfsync.rehearsal.routes import Table


@dataclass
class Context:
    """``restore`` brings a fresh org to the state it is served in (standing session, seed).

    ``https_url`` is the same org behind TLS, None if it is not served that way.
    """

    org: Org
    table: Table
    sessions: Sessions
    credentials: Credentials
    limits: Limits
    faults: Faults
    locators: Locators
    jobs: Jobs
    instance_url: str
    restore: Callable[[], None]
    recent: Recent
    https_url: str | None = None

    def site(self, call: Call) -> str:
        """The address by which the caller came, to be given back in login answers and identity URLs."""
        return self.https_url if call.secure and self.https_url else self.instance_url
