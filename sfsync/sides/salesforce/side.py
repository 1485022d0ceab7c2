"""The Salesforce side: the protocol of ``sides.side`` on one org.

Everything leaves through ``Session.call``; the parts are session and budget, metadata, query and read, payload,
collections, bulk and guarded writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from sfsync import settings
from sfsync.errors import SideError
from sfsync.mapping import canon
from sfsync.mapping.drift import check_salesforce
from sfsync.mapping.model import FieldType, Mapping
from sfsync.sides.salesforce import rates, soql
from sfsync.sides.salesforce.authors import authors
from sfsync.sides.salesforce.budget import Budget
from sfsync.sides.salesforce.bulk import BulkLoad, OnJob
from sfsync.sides.salesforce.bulk_query import BulkQuery
from sfsync.sides.salesforce.collections import Collections
from sfsync.sides.salesforce.faults import Refused, of_items
from sfsync.sides.salesforce.frames import View
from sfsync.sides.salesforce.guarded import Guarded
from sfsync.sides.salesforce.ids import to18
from sfsync.sides.salesforce.jobs import Jobs, Pace
from sfsync.sides.salesforce.metadata import Describes
from sfsync.sides.salesforce.payload import gives_to_queues
from sfsync.sides.salesforce.query import Queries
from sfsync.sides.salesforce.read import Reader
from sfsync.sides.salesforce.session import Patience, Session
from sfsync.sides.salesforce.ways import Ways
from sfsync.sides.salesforce.write import Writer
from sfsync.sides.side import TEXT, Capabilities, Finding, ManyWrites, Outcomes, Records, Span, Window, Write


class SalesforceSide:
    """One org as a side.

    on_job   set by the caller: told the id of every Bulk job before its first byte is uploaded
    unkeyed  mapping name -> records seen without a key that no template gives one (they are left out)
    """

    capabilities = Capabilities("salesforce", batch_rows=2_000, sees_deletes=True, settle_read=True)

    def __init__(
        self,
        config: settings.Salesforce,
        shares: settings.Budget,
        *,
        cache: Path,
        patience: Patience | None = None,
        pace: Pace | None = None,
        ways: Ways | None = None,
    ) -> None:
        self.budget = Budget(shares)
        self.session = Session(config, self.budget, patience or Patience())
        self.describes = Describes(self.session, cache)
        self.on_job: OnJob | None = None
        self.unkeyed: dict[str, int] = {}
        ways = self._ways = ways or Ways()
        self._queries = Queries(self.session)
        self._ingest = Jobs(self.session, "ingest", pace or Pace())
        query_jobs = Jobs(self.session, "query", pace or Pace())
        self._reader = Reader(self._queries, BulkQuery(self.session, query_jobs), self._count_unkeyed, ways)
        self._bulk = BulkLoad(self.session, self._ingest)
        self._writer = Writer(
            self._queries,
            Collections(self.session),
            self._bulk,
            Guarded(self.session),
            self._stamps_of,
            ways,
        )
        self._views: dict[str, View] = {}
        self._seen: dict[str, str] = {}  # id -> stamp, only for mappings with guarded fields
        self._who: tuple[str, str] | None = None
        self._queue_ids: dict[str, str] | None = None
        self._me_id = ""

    # -- the org ----------------------------------------------------------------------------------------

    @property
    def api_calls(self) -> int:
        """API calls made so far."""
        return self.budget.calls

    @property
    def api_remaining(self) -> int | None:
        """Calls the org has left today, None before its first answer."""
        return self.budget.remaining

    @property
    def lane(self) -> str:
        """Whose calls these are; see ``Budget.lane``."""
        return self.budget.lane

    @lane.setter
    def lane(self, lane: str) -> None:
        self.budget.lane = lane

    def identity(self) -> str:
        """The org's id (18 characters); read from the token where it shows it."""
        token = str(self.session.connect().session_id)
        head, mark, _ = token.partition("!")
        if mark and head.startswith("00D") and len(head) in (15, 18):
            return to18(head)
        return self._whoami()[0]

    def username(self) -> str:
        """Our own username; empty if the org does not tell."""
        return self.session.username or self._whoami()[1]

    def _whoami(self) -> tuple[str, str]:
        """(org id, username) from the identity service, which costs no API call."""
        if self._who is None:
            self._who = ("", "")
            with suppress(SideError):
                answer = self.session.call("GET", "/services/oauth2/userinfo", accept=(401, 403, 404), counted=False)
                if answer.status == 200 and isinstance(answer.data, dict):
                    self._who = (to18(answer.data["organization_id"]), answer.data["preferred_username"])
        if not self._who[0]:
            row = self._queries.rows("SELECT Id FROM Organization")[0]
            self._who = (to18(row["Id"]), self._who[1])
        return self._who

    def limits(self) -> dict[str, Any]:
        """The org's limits as Salesforce lists them."""
        return dict(self.session.call("GET", "limits").data)

    def query(self, text: str) -> list[dict[str, Any]]:
        """All rows of a SOQL query of small result, as REST gives them."""
        return self._queries.rows(text)

    def create(self, name: str, values: dict[str, Any]) -> str:
        """One record without a key of ours; its id. Not sent again when the answer is lost."""
        answer = self.session.call("POST", f"sobjects/{name}", json_body=values, resend=False)
        return str(answer.data["id"])

    def change(self, name: str, record_id: str, values: dict[str, Any]) -> None:
        """Fields of one record."""
        self.session.call("PATCH", f"sobjects/{name}/{record_id}", json_body=values)

    def create_many(self, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Records without a key of ours, two hundred in a call; raises ``Refused`` if the org does not take one."""
        wrong = [one["errors"] for one in self._inserted(name, rows) if not one["success"]]
        if wrong:
            raise Refused(200, [of_items(wrong[0])], f"{name} was not made")

    def run_action(self, name: str, values: dict[str, Any]) -> None:
        """One of Salesforce's standard actions, once. Not sent again when the answer is lost."""
        self.session.call("POST", f"actions/standard/{name}", json_body={"inputs": [values]}, resend=False)

    def user_id(self) -> str:
        """The id of our own user."""
        if not self._me_id:
            name = soql.quote(self.username())
            self._me_id = self._queries.rows(soql.select(["Id"], "User", f"Username = {name}"))[0]["Id"]
        return self._me_id

    def own_comments(self, ids: Sequence[str]) -> list[str]:
        """The texts of our own internal comments on these cases."""
        mine = f"CreatedById = {soql.quote(self.user_id())} AND IsPublished = FALSE"
        asks = [
            soql.select(["CommentBody"], "CaseComment", soql.all_of([mine, clause]))
            for clause in soql.in_lists("ParentId", ids, soql.URL_CHARS - 300)
        ]
        return [row["CommentBody"] or "" for page in self._queries.all_pages(asks) for row in page.rows] if asks else []

    def comment(self, comments: Sequence[tuple[str, str]]) -> list[str]:
        """Internal comments (case id, text) nobody outside sees, two hundred in a call; the cases that took none."""
        rows = [{"ParentId": case, "CommentBody": text, "IsPublished": False} for case, text in comments]
        return [str(r["ParentId"]) for r, errors in zip(rows, self.insert("CaseComment", rows), strict=True) if errors]

    def insert(self, name: str, rows: Sequence[dict[str, Any]]) -> list[list[str]]:
        """Records without a key of ours, two hundred in a call; for each the error codes (none: it was made)."""
        return [[str(e["statusCode"]) for e in one["errors"]] for one in self._inserted(name, rows)]

    def _inserted(self, name: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """What the org says of each."""
        said: list[dict[str, Any]] = []
        for start in range(0, len(rows), 200):
            records = [{"attributes": {"type": name}, **row} for row in rows[start : start + 200]]
            body = {"allOrNone": False, "records": records}
            said += self.session.call("POST", "composite/sobjects", json_body=body, resend=False).data
        return said

    def follow(self, cases: Sequence[tuple[str, str]]) -> None:
        """Users (case id, user id) follow cases. Where they do already, or the org has no feeds, nothing happens."""
        if cases:
            self.insert("EntitySubscription", [{"ParentId": case, "SubscriberId": user} for case, user in cases])

    @property
    def queries(self) -> Queries:
        """Queries that belong to no mapping."""
        return self._queries

    def users(self, usernames: Sequence[str]) -> set[str]:
        """Those of the usernames that belong to active users (lower case)."""
        wanted = sorted({u.lower() for u in usernames})
        asks = [
            soql.select(["Username"], "User", soql.all_of(["IsActive = TRUE", clause]))
            for clause in soql.in_lists("Username", wanted, soql.URL_CHARS - 200)
        ]
        return (
            {row["Username"].lower() for page in self._queries.all_pages(asks) for row in page.rows} if asks else set()
        )

    def authors(self, mapping: Mapping, ids: Sequence[str]) -> pd.Series:
        """Who last changed these records: a username of the staff, or what else it was, by record id."""
        return authors(self._queries, mapping.salesforce.object, ids)

    # -- describes and drift ----------------------------------------------------------------------------

    def prepare(self, mappings: Sequence[Mapping]) -> None:
        """Describe everything these mappings touch, in one call where the lookups lead to their own objects."""
        objects = [m.salesforce.object for m in mappings]
        people = ["User"] if any(f.type is FieldType.USER for m in mappings for f in m.synced) else []
        self.describes.get([*objects, *people])
        for mapping in mappings:
            self._views[mapping.name] = self._view_of(mapping)

    def _view_of(self, mapping: Mapping) -> View:
        name = mapping.salesforce.object
        related = self.describes.lookups([name], {name: canon.salesforce_paths(mapping)})[name]
        return View(mapping, self.describes.one(name), related)

    def view(self, mapping: Mapping) -> View:
        """What of the mapping can be seen in this org."""
        if self._views.get(mapping.name) is None or self._views[mapping.name].mapping != mapping:
            self.prepare([mapping])
        return self._views[mapping.name]

    def check(self, mapping: Mapping) -> list[Finding]:
        """Drift between the mapping and the org."""
        view = self.view(mapping)
        return check_salesforce(mapping, view.info.raw, {n: i.raw for n, i in view.related.items()})

    # -- reading ----------------------------------------------------------------------------------------

    def window(self, mapping: Mapping, since: datetime | None) -> Window:
        """From ``since`` minus the overlap to the org's own time minus the settle; an answer a minute old is fresh."""
        start = None if since is None else since - mapping.salesforce.overlap
        return Window(start, self.session.clock() - mapping.salesforce.settle)

    def changes(self, mapping: Mapping, window: Window, bounds: Sequence[tuple[str, str]] = ()) -> Iterator[Records]:
        """Records changed in the window; deleted ones last."""
        self.unkeyed[mapping.name] = 0
        yield from self._reader.changes(self.view(mapping), window, bounds, self._me(mapping))

    def fetch(self, mapping: Mapping, keys: pd.Index, ids: pd.Series | None = None) -> Records:
        """Records as they are now, by id where given, else by key."""
        records = self._reader.fetch(self.view(mapping), keys, ids, self._me(mapping))
        if any(f.guard == "strict" for f in mapping.synced):
            self._seen.update(zip(records.meta["id"], records.meta["stamp"], strict=True))
        return records

    def settled(self, mapping: Mapping, ids: pd.Series, during: Span | None) -> Records:
        """Records just written, as they are now."""
        return self._reader.settled(self.view(mapping), ids, during, self._me(mapping))

    def _me(self, mapping: Mapping) -> str:
        return self.username() if any(f.type is FieldType.USER for f in mapping.synced) else ""

    def _count_unkeyed(self, mapping: str, rows: int) -> None:
        self.unkeyed[mapping] = self.unkeyed.get(mapping, 0) + rows

    def _stamps_of(self, ids: Sequence[str]) -> pd.Series:
        """Stamps as last fetched; rows never fetched get one that no record can still have."""
        return pd.Series([self._seen.get(to18(i), "1970-01-01T00:00:00Z") for i in ids], dtype=TEXT)

    # -- writing ----------------------------------------------------------------------------------------

    def write(self, mapping: Mapping, write: Write) -> Iterator[Outcomes]:
        """Write rows; see ``write.Writer`` for the ways."""
        yield from self._writer.write(self._view_for(mapping, write), write, self.on_job)

    def _view_for(self, mapping: Mapping, write: Write) -> View:
        """The view, with the ids of the queues if the write gives records to some."""
        view = self.view(mapping)
        return replace(view, queues=self.queues()) if gives_to_queues(mapping, write) else view

    def queues(self) -> dict[str, str]:
        """Ids of the org's queues by developer name; asked for once."""
        if self._queue_ids is None:
            rows = self._queries.rows(soql.select(["Id", "DeveloperName"], "Group", "Type = 'Queue'"))
            self._queue_ids = {str(r["DeveloperName"]): str(r["Id"]) for r in rows}
        return self._queue_ids

    def write_many(self, mapping: Mapping, writes: ManyWrites) -> Iterator[tuple[int, Outcomes]]:
        """Large writes in a row; see ``write.Writer``."""
        first, rest = _first(writes)
        if first is not None:
            yield from self._writer.write_many(self._view_for(mapping, first), rest)

    def cost(self, mapping: Mapping, kind: str, rows: int) -> dict[str, int]:
        """API calls by way that writing a batch of so many records will take."""
        return rates.cost(self.view(mapping), self._ways, kind, rows)

    def job_state(self, job_id: str) -> dict[str, Any] | None:
        """A Bulk job as the org describes it (``state``, counts), None if it is unknown or forgotten."""
        return self._ingest.state(job_id)

    def job_outcomes(self, mapping: Mapping, job_id: str, kind: str, keys: pd.Index, ids: pd.Series) -> pd.DataFrame:
        """What an ended Bulk job says about these records, from its result files; others are left out."""
        return self._bulk.told(mapping.salesforce.key, job_id, kind, keys, ids)

    def abort(self, job_id: str) -> None:
        """End a Bulk job that has not ended."""
        self._ingest.set_state(job_id, "Aborted")

    def close(self) -> None:
        """Release connections."""
        self.session.close()


def _first(writes: ManyWrites) -> tuple[Write | None, ManyWrites]:
    """The first write, and all of them."""
    more = iter(writes)
    one = next(more, None)
    return (None, ()) if one is None else (one[0], chain([one], more))
