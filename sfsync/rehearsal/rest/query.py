"""SOQL over REST: query, queryAll and the pages that follow (wire reference 9)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.columns import fields_of
from sfsync.rehearsal.context import Context

if TYPE_CHECKING:
    from sfsync.rehearsal.locators import Page
    from sfsync.rehearsal.org import QueryResult

PAGE, PAGE_ONE_LONG_TEXT, PAGE_LONG_TEXTS, PAGE_MIN = 2000, 1000, 200, 200


def query(context: Context, call: Call) -> Reply:
    return _run(context, call, all_rows=False)


def query_all(context: Context, call: Call) -> Reply:
    """As query, with the rows in the recycle bin; its later pages are fetched from ``query``."""
    return _run(context, call, all_rows=True)


def _run(context: Context, call: Call, *, all_rows: bool) -> Reply:
    soql = call.params.get("q", "")
    if not soql.strip():
        raise errors.malformed_query("A query string has to be specified")
    result = context.org.query(soql, all_rows=all_rows, version=call.version)
    page = context.locators.first(_records(result), result.total_size, page_size(context, call, result))
    return _answer(call, page)


def _records(result: QueryResult) -> Iterable[dict[str, Any]]:
    """The rows; more than 2,000 groups cannot be paged and are refused before anything is sent."""
    if result.aggregate and result.total_size > PAGE:
        raise errors.too_many_groups()
    return result.records


def page_size(context: Context, call: Call, result: QueryResult) -> int:
    """2,000 rows, fewer with long texts; Sforce-Query-Options may ask for less, down to 200."""
    size = PAGE
    if result.total_size > PAGE_LONG_TEXTS:
        fields = fields_of(context.org.schema, result.columns, result.object)
        long_texts = sum(one is not None and one.long_text for one in fields)
        size = (PAGE, PAGE_ONE_LONG_TEXT, PAGE_LONG_TEXTS)[min(long_texts, 2)]
    asked = re.search(r"batchSize\s*=\s*(\d+)", call.header("Sforce-Query-Options"), re.IGNORECASE)
    return min(size, max(PAGE_MIN, int(asked.group(1)))) if asked else size


def more(context: Context, call: Call) -> Reply:
    """GET query/{locator}"""
    return _answer(call, context.locators.more(call.args["locator"]))


def _answer(call: Call, page: Page) -> Reply:
    head: dict[str, Any] = {"totalSize": page.total, "done": page.following is None}
    if page.following:
        head["nextRecordsUrl"] = f"{call.base}/query/{page.following}"
    opening = json.dumps(head, separators=(",", ":")).encode()[:-1]
    return Reply(200, text=opening + b',"records":[' + b",".join(page.rows) + b"]}")
