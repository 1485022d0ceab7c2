"""What happened to cases, as Salesforce keeps it: the case's own stamps, its history, comments and e-mails.

Five queries travel in one API call. The texts of comments and e-mails are not read here: what counts is that they
were sent, and when (but see ``texts``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
    "SFS_Policy_Version__c": "policy",
    "AccountId": "account",
    "ContactId": "contact",
    "SFS_Queue_In__c": "queued",
    "SFS_Cancel_Reason__c": "cancelled_as",
    "SFS_Recovery_State__c": "recovery",
    "SFS_Outcome__c": "outcome",
    "SFS_Policy_Ref__c": "policy_ref",
    "SFS_Terms_At__c": "terms",
    "SFS_RG_Offered_At__c": "rg_offered",
    "SFS_Incident_Ref__c": "incident_ref",
    "SFS_Report_Ref__c": "report_ref",
}
OPEN = {
    name: CASE[name]
    for name in ("Id", "SFS_Source_Key__c", "CaseNumber", "AccountId", "ContactId", "Type", "CreatedDate", "OwnerId")
} | {"SFS_Received_At__c": "received"}
HISTORY = {"CaseId": "id", "Field": "field", "CreatedDate": "at", "OldValue": "old", "NewValue": "new"}
COMMENTS = {"ParentId": "id", "CreatedDate": "at", "IsPublished": "published", "Id": "comment"}
EMAILS = {
    "ParentId": "id",
    "MessageDate": "at",
    "CreatedDate": "created",
    "Incoming": "incoming",
    "Status": "status",
    "Headers": "headers",
}
CALLS = {"WhatId": "id", "LastModifiedDate": "at"}
# What hangs on a case. Duplicates that were cancelled come before what is still open: an incident has many children.
CHILDREN = (
    "(SELECT Id, IsClosed, SFS_Cancel_Reason__c, SFS_Received_At__c, CreatedDate FROM Cases"
    " WHERE IsClosed = FALSE OR SFS_Cancel_Reason__c = 'duplicate' ORDER BY IsClosed DESC, CreatedDate LIMIT 200)"
)
RECOVERIES = (
    "(SELECT SFS_Event__c, SFS_Episode__c, SFS_State__c, SFS_Terms_At__c, SFS_Delivered_At__c, SFS_Correction_Ref__c,"
    " SFS_Report_Ref__c FROM SFS_Recoveries__r)"
)
RECOVERY = {
    "case": "id",
    "SFS_Event__c": "event",
    "SFS_Episode__c": "episode",
    "SFS_State__c": "state",
    "SFS_Terms_At__c": "terms",
    "SFS_Delivered_At__c": "delivered",
    "SFS_Correction_Ref__c": "correction",
    "SFS_Report_Ref__c": "report",
}
DUPLICATE = "duplicate"  # SFS_Cancel_Reason__c of a case that says what another one says
CALLED = "TaskSubtype = 'Call' AND IsClosed = TRUE AND CallType IN ('Inbound','Outbound')"
SAID = {"CaseComment": "ParentId", "EmailMessage": "ParentId", "Task": "WhatId"}
WATCHED = ("Status", "Priority", "Type", "SFS_Tier__c", "Owner", "created")
CASE_PREFIX = "500"
MARK = "[sfsync "  # of every comment that a sweep writes
QUIET = "SFS_Pref_Quiet_Mode__c"
INSTANTS = "datetime64[us, UTC]"
IDS = 400  # cases per query: their ids fit into a URL beside the fields


def no_words() -> pd.DataFrame:
    """Nothing was found, or looked for."""
    at = pd.Series([], dtype="datetime64[us, UTC]")
    return pd.DataFrame({"id": pd.Series([], dtype=object), "at": at, "value": pd.Series([], dtype="int16")})


@dataclass(frozen=True)
class Happened:
    """Frames of text and instants (datetime64[us, UTC]): columns as in ``CASE``, ``HISTORY``, ``COMMENTS``, ``EMAILS``,
    ``CALLS``, ``RECOVERY``.

    Of ``cases`` also: ``pir_whole`` (PIR texts are only told to be there), ``in_incident`` (its parent is one),
    ``quiet`` (its player is only contacted through the host), ``open_child``, ``duplicates`` (how many cases were
    cancelled as its duplicates) and ``since`` (the earliest time of receipt among those). ``comments``: ``ours``.
    ``words``: id, at, value (which of the policy's lists of explicit words a text of the requester's holds); none as
    long as nobody has looked.
    """

    cases: pd.DataFrame
    history: pd.DataFrame
    comments: pd.DataFrame
    emails: pd.DataFrame
    calls: pd.DataFrame
    recoveries: pd.DataFrame
    words: pd.DataFrame = field(default_factory=no_words)

    def of(self, ids: pd.Series) -> Happened:
        """Some of the cases, and what happened to them."""
        return Happened(
            self.cases[self.cases["id"].isin(ids)].reset_index(drop=True),
            *(f[f["id"].isin(ids)] for f in (self.history, self.comments, self.emails, self.calls)),
            *(f[f["id"].isin(ids)] for f in (self.recoveries, self.words)),
        )


def changed(queries: Queries, since: datetime | None, until: datetime) -> pd.DataFrame:
    """Ids of cases that changed, or got a comment, an e-mail or a call, in a window, and the last stamp of all that.

    One API call. A deleted case is no longer among them; its id is only asked for by who knows it. Without
    ``since`` all cases that are open, or were resolved within eight days.
    """
    if since is None:
        recent = f"ClosedDate >= {soql.instant(until - pd.Timedelta(days=8))}"
        asks = [soql.select(["Id", "SystemModstamp"], "Case", f"(IsClosed = FALSE OR {recent})")]
    else:
        window = f"SystemModstamp >= {soql.instant(since)}"
        asks = [soql.select(["Id", "SystemModstamp", "ParentId", "SFS_Cancel_Reason__c"], "Case", window)]
        asks += [
            soql.select([of, "SystemModstamp"], name, soql.all_of([window, CALLED if name == "Task" else ""]))
            for name, of in SAID.items()
        ]
    rows = [row for page in queries.all_pages(asks) for row in page.rows]
    stood = [{**r, "Id": r["ParentId"]} for r in rows if r.get("SFS_Cancel_Reason__c") == DUPLICATE and r["ParentId"]]
    rows += stood  # who stands for a duplicate takes over its time of receipt
    found = pd.DataFrame(
        {"id": [_case_of(r) for r in rows], "stamp": [r["SystemModstamp"] for r in rows]}, dtype=object
    )
    found = found[found["id"].str.startswith(CASE_PREFIX).fillna(False).astype(bool)]
    return found.sort_values("stamp").drop_duplicates("id", keep="last").reset_index(drop=True)


def _case_of(row: dict[str, Any]) -> str | None:
    kind = row["attributes"]["type"]
    found: str | None = row["Id"] if kind == "Case" else row[SAID[kind]]
    return found


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


def read(queries: Queries, ids: Sequence[str], person: str = "Account") -> Happened:
    """All that happened to these cases.

    ``person``: the relationship by which a case names its player.
    """
    parts: dict[str, list[dict[str, Any]]] = {n: [] for n in ("Case", "CaseHistory", *SAID)}
    asks = list(_asks(ids, person))
    for page in queries.all_pages([ask for _, ask in asks]):
        for row in page.rows:
            parts[row["attributes"]["type"]].append(row)
    cases = _frame(parts["Case"], CASE, ("created", "received", *_STAMPS))
    parents = [r["Parent"] or {} for r in parts["Case"]]
    cases["in_incident"] = [bool(p.get("SFS_Incident__c")) for p in parents]
    cases["pir_whole"] = [bool(r["SFS_PIR_Root_Cause__c"]) and bool(r["SFS_PIR_Measures__c"]) for r in parts["Case"]]
    cases["quiet"] = [bool((r[person] or {}).get(QUIET)) for r in parts["Case"]]
    cases = cases.assign(**_children(parts["Case"]))
    comments = _frame(parts["CaseComment"], COMMENTS, ("at",))
    ours = _ours(queries, cases["id"][cases["quiet"]].tolist())
    emails = _frame(parts["EmailMessage"], EMAILS, ("at", "created"))
    return Happened(
        cases,
        _frame(parts["CaseHistory"], HISTORY, ("at",)),
        comments.assign(ours=comments["comment"].isin(ours)),
        emails.assign(at=emails["at"].fillna(emails["created"])),
        _frame(parts["Task"], CALLS, ("at",)),
        _recoveries(parts["Case"]),
    )


def _ours(queries: Queries, quiet: list[str]) -> set[str]:
    """Ids of the internal comments that a sweep wrote; asked only where what people write inside is an update."""
    asks = [
        soql.select(["Id", "CommentBody"], "CaseComment", soql.all_of([clause, "IsPublished = FALSE"]))
        for clause in soql.in_lists("ParentId", quiet, soql.URL_CHARS - 300)
    ]
    pages = queries.all_pages(asks) if quiet else ()
    return {row["Id"] for page in pages for row in page.rows if MARK in (row["CommentBody"] or "")}


def _below(row: dict[str, Any], relationship: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (row[relationship] or {}).get("records", [])
    return rows


def _children(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Columns ``open_child``, ``duplicates`` and ``since``."""
    same = [[c for c in _below(r, "Cases") if c["SFS_Cancel_Reason__c"] == DUPLICATE] for r in rows]
    since = [min((c["SFS_Received_At__c"] or c["CreatedDate"] for c in some), default=None) for some in same]
    return {
        "open_child": [any(not c["IsClosed"] for c in _below(r, "Cases")) for r in rows],
        "duplicates": [len(some) for some in same],
        "since": pd.to_datetime(pd.Series(since, dtype=object), utc=True, format="ISO8601").astype(INSTANTS),
    }


def _recoveries(rows: list[dict[str, Any]]) -> pd.DataFrame:
    every = [{**one, "case": r["Id"]} for r in rows for one in _below(r, "SFS_Recoveries__r")]
    return _frame(every, RECOVERY, ("terms", "delivered"))


def open_cases(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows of a query of ``OPEN`` as a frame of its columns."""
    return _frame(rows, OPEN, ("created", "received"))


def said(queries: Queries, ids: Sequence[str]) -> dict[str, list[str]]:
    """What a requester can read on these few cases, by case id: published comments, and e-mails that were sent."""
    found: dict[str, list[str]] = {}
    for start in range(0, len(ids), IDS):
        some = f"ParentId IN ({','.join(soql.quote(i) for i in ids[start : start + IDS])})"
        asks = [
            soql.select(["ParentId", "CommentBody"], "CaseComment", f"{some} AND IsPublished = TRUE"),
            soql.select(
                ["ParentId", "Subject", "TextBody", "HtmlBody"], "EmailMessage", f"{some} AND Incoming = FALSE"
            ),
        ]
        for page in queries.all_pages(asks):
            for row in page.rows:
                words = [v for n, v in row.items() if n not in ("attributes", "ParentId") and v]
                found.setdefault(row["ParentId"], []).extend(words)
    return found


_STAMPS = (
    *("first_response", "answered", "mitigated", "resolved", "closed", "last_update", "pir_delivered"),
    *("queued", "terms", "rg_offered"),
)


def _asks(ids: Sequence[str], person: str) -> Iterator[tuple[str, str]]:
    for start in range(0, len(ids), IDS):
        some = ",".join(soql.quote(i) for i in ids[start : start + IDS])
        more = ["Parent.SFS_Incident__c", "SFS_PIR_Root_Cause__c", "SFS_PIR_Measures__c", f"{person}.{QUIET}"]
        yield "Case", soql.select([*CASE, *more, CHILDREN, RECOVERIES], "Case", f"Id IN ({some})", "Id")
        watched = ",".join(soql.quote(f) for f in WATCHED)
        yield "CaseHistory", soql.select(HISTORY, "CaseHistory", f"CaseId IN ({some}) AND Field IN ({watched})")
        yield "CaseComment", soql.select(COMMENTS, "CaseComment", f"ParentId IN ({some})")
        yield "EmailMessage", soql.select(EMAILS, "EmailMessage", f"ParentId IN ({some})")
        yield "Task", soql.select(CALLS, "Task", soql.all_of([f"WhatId IN ({some})", CALLED]))


def _frame(rows: list[dict[str, Any]], names: dict[str, str], instants: Sequence[str]) -> pd.DataFrame:
    found = pd.DataFrame({ours: [r.get(theirs) for r in rows] for theirs, ours in names.items()}, dtype=object)
    for name in instants:
        found[name] = pd.to_datetime(found[name], utc=True, format="ISO8601").astype(INSTANTS)
    return found
