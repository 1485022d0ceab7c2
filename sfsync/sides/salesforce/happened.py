"""What happened to cases, as Salesforce keeps it: the case's own stamps, its history, comments and e-mails.

Five queries travel in one API call. The texts of comments and e-mails are not read: what counts is that they were
sent, when, and by whom.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from sfsync.sides.salesforce import soql
from sfsync.sides.salesforce.query import Queries

CASE = {
    "Id": "id",
    "SFS_Source_Key__c": "key",
    "CaseNumber": "number",
    "CreatedDate": "created",
    "SystemModstamp": "stamp",
    "SFS_Received_At__c": "received",
    "SFS_Tier__c": "tier",
    "Type": "category",
    "Priority": "priority",
    "Status": "status",
    "Origin": "channel",
    "OwnerId": "owner",
    "ParentId": "parent",
    "SFS_Incident__c": "incident",
    "SFS_First_Response_At__c": "first_response",
    "SFS_Answered__c": "answered",
    "SFS_Mitigated_At__c": "mitigated",
    "SFS_Resolved_At__c": "resolved",
    "ClosedDate": "closed",
    "SFS_Last_Update_At__c": "last_update",
    "SFS_PIR_Delivered_At__c": "pir_delivered",
    "SFS_Compliance_Hold__c": "hold",
}
HISTORY = {"CaseId": "id", "Field": "field", "CreatedDate": "at", "OldValue": "old", "NewValue": "new"}
COMMENTS = {"ParentId": "id", "CreatedDate": "at", "IsPublished": "published", "CreatedById": "by"}
EMAILS = {"ParentId": "id", "MessageDate": "at", "Incoming": "incoming", "CreatedById": "by"}
WATCHED = ("Status", "Priority", "Type", "SFS_Tier__c", "Owner", "created")
IDS = 400  # cases per query: their ids fit into a URL beside the fields


@dataclass(frozen=True)
class Happened:
    """Frames of text and instants (datetime64[us, UTC]): columns as in ``CASE``, ``HISTORY``, ``COMMENTS``, ``EMAILS``.

    ``by``: a user's id. PIR texts are only told to be there: column ``pir_whole`` of ``cases``.
    """

    cases: pd.DataFrame
    history: pd.DataFrame
    comments: pd.DataFrame
    emails: pd.DataFrame


def changed(queries: Queries, since: datetime | None, until: datetime) -> pd.DataFrame:
    """Ids and change stamps of cases that changed, or got a comment or an e-mail, in a window: one API call.

    Without ``since`` all cases that are open, or were resolved within eight days.
    """
    if since is None:
        recent = f"ClosedDate >= {soql.instant(until - pd.Timedelta(days=8))}"
        asks = [soql.select(["Id", "SystemModstamp"], "Case", f"(IsClosed = FALSE OR {recent})")]
    else:
        window = f"SystemModstamp >= {soql.instant(since)}"
        asks = [soql.select(["Id", "SystemModstamp"], "Case", window)]
        asks += [soql.select(["ParentId"], name, window) for name in ("CaseComment", "EmailMessage")]
    rows = [row for page in queries.all_pages(asks) for row in page.rows]
    found = pd.DataFrame(
        {"id": [r.get("Id") or r.get("ParentId") for r in rows], "stamp": [r.get("SystemModstamp") for r in rows]}
    )
    return found.sort_values("stamp", na_position="last").drop_duplicates("id")


def received(queries: Queries, since: datetime, until: datetime) -> list[str]:
    """Ids of the cases that reached us in a span of time."""
    span = f"CreatedDate >= {soql.instant(since)} AND CreatedDate <= {soql.instant(until)}"
    return _found(queries, span)


def alive(queries: Queries, since: datetime, until: datetime) -> list[str]:
    """Ids of the cases that were open, or changed, in a span of time."""
    after = f"(IsClosed = FALSE OR SystemModstamp >= {soql.instant(since)})"
    return _found(queries, f"CreatedDate <= {soql.instant(until)} AND {after}")


def _found(queries: Queries, where: str) -> list[str]:
    ask = soql.select(["Id"], "Case", where, "Id")
    return [row["Id"] for page in queries.pages(ask) for row in page.rows]


def read(queries: Queries, ids: Sequence[str]) -> Happened:
    """All that happened to these cases."""
    parts: dict[str, list[dict[str, Any]]] = {"Case": [], "CaseHistory": [], "CaseComment": [], "EmailMessage": []}
    asks = list(_asks(ids))
    for page in queries.all_pages([ask for _, ask in asks]):
        for row in page.rows:
            parts[row["attributes"]["type"]].append(row)
    cases = _frame(parts["Case"], CASE, ("created", "received", *_STAMPS))
    cases["pir_whole"] = [bool(r["SFS_PIR_Root_Cause__c"]) and bool(r["SFS_PIR_Measures__c"]) for r in parts["Case"]]
    return Happened(
        cases,
        _frame(parts["CaseHistory"], HISTORY, ("at",)),
        _frame(parts["CaseComment"], COMMENTS, ("at",)),
        _frame(parts["EmailMessage"], EMAILS, ("at",)),
    )


_STAMPS = ("first_response", "answered", "mitigated", "resolved", "closed", "last_update", "pir_delivered")


def _asks(ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    for start in range(0, len(ids), IDS):
        some = ",".join(soql.quote(i) for i in ids[start : start + IDS])
        pir = ["SFS_PIR_Root_Cause__c", "SFS_PIR_Measures__c"]
        yield "Case", soql.select([*CASE, *pir], "Case", f"Id IN ({some})", "Id")
        watched = ",".join(soql.quote(f) for f in WATCHED)
        yield "CaseHistory", soql.select(HISTORY, "CaseHistory", f"CaseId IN ({some}) AND Field IN ({watched})")
        yield "CaseComment", soql.select(COMMENTS, "CaseComment", f"ParentId IN ({some})")
        yield "EmailMessage", soql.select(EMAILS, "EmailMessage", f"ParentId IN ({some})")


def _frame(rows: list[dict[str, Any]], names: dict[str, str], instants: Sequence[str]) -> pd.DataFrame:
    found = pd.DataFrame({ours: [r.get(theirs) for r in rows] for theirs, ours in names.items()}, dtype=object)
    for name in instants:
        found[name] = pd.to_datetime(found[name], utc=True, format="ISO8601").astype("datetime64[us, UTC]")
    return found
