"""What requesters wrote: subject and description of a case, and the e-mails that came in.

The texts are handed over page by page, to be looked at and dropped; nobody keeps them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from sfsync.sides.salesforce import soql
from sfsync.sides.salesforce.happened import IDS
from sfsync.sides.salesforce.query import Queries

CASE = {"Id": "id", "Subject": "subject", "Description": "text"}
EMAIL = {
    "ParentId": "id",
    "MessageDate": "at",
    "CreatedDate": "created",
    "Subject": "subject",
    "TextBody": "text",
    "HtmlBody": "html",
    "Headers": "headers",
}
COLUMNS = ("id", "at", "subject", "text", "html", "headers")


def written(queries: Queries, ids: Sequence[str]) -> Iterator[pd.DataFrame]:
    """One frame per page of what is written on these cases: ``COLUMNS`` (text or null; ``at`` datetime64[us, UTC], null
    for what the case was made with).
    """
    for page in queries.all_pages(list(_asks(ids))):
        if page.rows:
            names = CASE if page.rows[0]["attributes"]["type"] == "Case" else EMAIL
            found = pd.DataFrame(
                {ours: [r.get(theirs) for r in page.rows] for theirs, ours in names.items()}, dtype=object
            )
            yield _timed(found.reindex(columns=[*COLUMNS, "created"]))


def _asks(ids: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(ids), IDS):
        some = ",".join(soql.quote(i) for i in ids[start : start + IDS])
        yield soql.select(CASE, "Case", f"Id IN ({some})")
        yield soql.select(EMAIL, "EmailMessage", f"ParentId IN ({some}) AND Incoming = TRUE")


def _timed(found: pd.DataFrame) -> pd.DataFrame:
    at = pd.to_datetime(found["at"].fillna(found["created"]), utc=True, format="ISO8601")
    return found.assign(at=at.astype("datetime64[us, UTC]"))[list(COLUMNS)]
