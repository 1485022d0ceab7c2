"""SOQL over REST: query, queryAll and the pages that follow (wire reference 9)."""

from __future__ import annotations

import json
import re
from typing import Any

from sfsync.rehearsal import digits, errors
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.locators import PAGE, PAGE_MIN, Asked, Page
from sfsync.rehearsal.soql import layout
from sfsync.rehearsal.soql.explain import explained
from sfsync.rehearsal.soql.parse import parse


def query(context: Context, call: Call) -> Reply:
    """GET query?q= ; with ``explain`` instead of ``q``, how the query would be run."""
    if "explain" in call.params and "q" not in call.params:
        return explain(context, call)
    return _run(context, call, all_rows=False)


def query_all(context: Context, call: Call) -> Reply:
    """As query, with the rows in the recycle bin; its later pages are fetched from ``query``."""
    return _run(context, call, all_rows=True)


def _run(context: Context, call: Call, *, all_rows: bool) -> Reply:
    soql = call.params.get("q", "")
    if not soql.strip():
        raise errors.malformed_query("A query string has to be specified")
    user = call.options.user_id
    if call.params.get("columns", "").lower() == "true":
        return _columns(context, call, soql, user)
    asked = Asked(soql, all_rows, call.version, user, page_size(call))
    return _answer(call, context.locators.first(asked))


def _columns(context: Context, call: Call, soql: str, user: str | None) -> Reply:
    """``columns=true``: what the query's columns are, instead of its rows."""
    with context.org.read(soql, version=call.version, user_id=user):  # refuses what does not compile
        return Reply(200, layout.described(context.org.schema_for(user), parse(soql, call.version)))


def page_size(call: Call) -> int:
    """2,000 rows; Sforce-Query-Options may ask for less, down to 200."""
    asked = re.search(r"batchSize\s*=\s*(\d+)", call.header("Sforce-Query-Options"), re.IGNORECASE)
    return min(PAGE, max(PAGE_MIN, digits.number(asked.group(1)))) if asked else PAGE


def more(context: Context, call: Call) -> Reply:
    """GET query/{locator}"""
    return _answer(call, context.locators.more(call.args["locator"], call.options.user_id))


def explain(context: Context, call: Call) -> Reply:
    """GET query?explain=: plans as the query optimizer would show them."""
    with context.org.read(call.params["explain"], version=call.version, user_id=call.options.user_id) as reading:
        return Reply(200, {"plans": explained(reading)})


def _answer(call: Call, page: Page) -> Reply:
    head: dict[str, Any] = {"totalSize": page.total, "done": page.following is None}
    if page.following:
        head["nextRecordsUrl"] = f"{call.base}/query/{page.following}"
    text = json.dumps({**head, "records": page.records}, ensure_ascii=False, separators=(",", ":"))
    return Reply(200, text=text.encode())
