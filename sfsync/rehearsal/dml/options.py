"""What a caller may say beside the rows: who writes, and the headers that change a save."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """``user_id`` None writes as the org's administrator.

    ``auto_assign``: Sforce-Auto-Assign, on by default; ``assignment_rule`` the id of a rule to use instead of the
    active one. ``allow_duplicates``, ``duplicate_details``: allowSave and includeRecordDetails of
    Sforce-Duplicate-Rule-Header. ``client``: the client name of Sforce-Call-Options, shown in change events
    together with the API version of the call. ``bulk``: rows of a Bulk job, whose locks are reckoned for it as a whole.
    Source: wire reference 5, headers on writes.
    """

    user_id: str | None = None
    auto_assign: bool = True
    assignment_rule: str | None = None
    allow_duplicates: bool = False
    duplicate_details: bool = False
    client: str = ""
    version: str = "60.0"
    bulk: bool = False


DEFAULT = Options()
QUIET = Options(auto_assign=False)
