"""Milestones of cases: what an entitlement process put on them. Rows come and go by the process alone.

Only ``StartDate`` and ``CompletionDate`` can be written (wire reference 15, policy C.11).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from sfsync.sides.salesforce import soql
from sfsync.sides.salesforce.happened import IDS
from sfsync.sides.salesforce.metadata import Describes
from sfsync.sides.salesforce.query import Queries

OBJECT, WRITTEN = "CaseMilestone", "CompletionDate"
FIELDS = {
    "Id": "id",
    "CaseId": "case_id",
    "StartDate": "start",
    "TargetDate": "target",
    "CompletionDate": "completed",
    "IsCompleted": "is_completed",
    "IsViolated": "is_violated",
}
INSTANTS = ("start", "target", "completed")


def there(queries: Queries, describes: Describes) -> bool:
    """Does the org have entitlements: does it know milestones, and at least one type of them?"""
    known = describes.get([OBJECT, "MilestoneType"])
    return all(info.raw for info in known.values()) and bool(queries.rows("SELECT Id FROM MilestoneType LIMIT 1"))


def writable(describes: Describes) -> bool:
    """May our user complete milestones?"""
    info = describes.one(OBJECT)
    return bool(info.raw.get("updateable")) and bool((info.field(WRITTEN) or {}).get("updateable"))


def read(queries: Queries, ids: Sequence[str]) -> pd.DataFrame:
    """Milestones of these cases, five queries of four hundred cases to an API call.

    Columns id, case_id, name (text), start, target, completed (datetime64[us, UTC]), is_completed, is_violated (bool).
    """
    asks = [
        soql.select([*FIELDS, "MilestoneType.Name"], OBJECT, f"CaseId IN ({','.join(map(soql.quote, some))})")
        for some in (ids[start : start + IDS] for start in range(0, len(ids), IDS))
    ]
    return _frame([row for page in queries.all_pages(asks) for row in page.rows])


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    found = pd.DataFrame({ours: [row[theirs] for row in rows] for theirs, ours in FIELDS.items()}, dtype=object)
    for name in INSTANTS:
        found[name] = pd.to_datetime(found[name], utc=True, format="ISO8601").astype("datetime64[us, UTC]")
    return found.astype({"is_completed": bool, "is_violated": bool}).assign(
        name=[(row["MilestoneType"] or {}).get("Name") or "" for row in rows]
    )
