"""Who last changed a record. Only staff are named: users of a portal are customers, whose names are nobody's business.

Salesforce keeps one author per record, not per field. Source: object reference, system fields and User.UserType.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sfsync.sides.salesforce import soql
from sfsync.sides.salesforce.query import Queries
from sfsync.sides.side import TEXT

STAFF = ("Standard",)
NOBODY = {"AutomatedProcess": "automation", "CloudIntegrationUser": "automation", "Guest": "a guest of a site"}
_ROOM = soql.URL_CHARS - 400


def authors(queries: Queries, object_name: str, ids: Sequence[str]) -> pd.Series:
    """Usernames (text) by record id (18 characters) for the records that exist; who is no staff is named by kind."""
    fields = ("Id", "LastModifiedBy.Username", "LastModifiedBy.UserType")
    asks = [soql.select(fields, object_name, c) for c in soql.id_lists(ids, _ROOM)]
    rows = [row for page in (queries.all_pages(asks) if asks else ()) for row in page.rows]
    named = {row["Id"]: _named(row.get("LastModifiedBy") or {}) for row in rows}
    return pd.Series(named, dtype=TEXT)


def _named(user: dict[str, str]) -> str | None:
    kind = user.get("UserType")
    return user.get("Username") if kind in STAFF else NOBODY.get(str(kind), "a portal user")
