"""What the org says of its objects: describe and its neighbours (wire reference 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.rest.conditions import Validators, not_modified
from sfsync.rehearsal.rest.recent import items
from sfsync.rehearsal.routes import BOTH, Route, data
from sfsync.rehearsal.schema import layouts
from sfsync.rehearsal.schema.describe import MASTER_ID, pages, summary
from sfsync.rehearsal.schema.model import SObject


def routes() -> list[Route]:
    one = "/sobjects/{object}"
    return [
        data("GET", "/sobjects", "describe.global", describe_global, within=BOTH),
        data("GET", f"{one}/describe", "describe", describe, within=BOTH),
        data("GET", f"{one}/describe/layouts", "describe.layouts", all_layouts, within=BOTH),
        data("GET", f"{one}/describe/layouts/{{type}}", "describe.layouts", layout, within=BOTH),
        data("GET", f"{one}/describe/compactLayouts", "describe.compactLayouts", compact_layouts, within=BOTH),
        data("GET", f"{one}/describe/compactLayouts/{{type}}", "describe.compactLayouts", compact_layout, within=BOTH),
        data("GET", f"{one}/describe/approvalLayouts", "describe.approvalLayouts", approval_layouts, within=BOTH),
        data("GET", f"{one}/describe/{{part}}/{{name}}", "describe.other", unknown, within=BOTH),
        data("GET", f"{one}/listviews", "listviews", list_views, within=BOTH),
        data("GET", f"{one}/quickActions", "quickActions", quick_actions, within=BOTH),
        data("GET", one, "describe.basic", basic, within=BOTH),
    ]


def describe_global(context: Context, call: Call) -> Reply:
    return _conditional(context, call, lambda: context.org.describe_global(call.version))


def describe(context: Context, call: Call) -> Reply:
    name = call.args["object"]
    return _conditional(context, call, lambda: context.org.describe(name, call.version, context.instance_url))


def basic(context: Context, call: Call) -> Reply:
    """GET sobjects/X: the entry of the global describe, and rows seen lately."""
    obj = _object(context, call)
    return Reply(200, {"objectDescribe": summary(obj, call.version), "recentItems": items(context, call, obj.name)})


def all_layouts(context: Context, call: Call) -> Reply:
    """GET describe/layouts: the page, or with record types which page each of them has."""
    obj = _with(context, call, "layouts")
    return Reply(200, layouts.layouts(obj, _record_types(context, obj), call.version, _number(context, obj)))


def layout(context: Context, call: Call) -> Reply:
    """GET describe/layouts/{recordTypeId}: one page."""
    obj = _with(context, call, "layouts")
    _check_record_type(context, call, obj)
    return Reply(200, layouts.layout(obj, _number(context, obj)))


def compact_layouts(context: Context, call: Call) -> Reply:
    obj = _with(context, call, "compactLayouts")
    return Reply(200, layouts.compact_layouts(obj, _record_types(context, obj), call.version))


def compact_layout(context: Context, call: Call) -> Reply:
    """GET describe/compactLayouts/primary, or that of a record type."""
    obj = _with(context, call, "compactLayouts")
    if call.args["type"] != "primary":
        _check_record_type(context, call, obj)
    return Reply(200, layouts.primary_compact_layout(obj))


def approval_layouts(context: Context, call: Call) -> Reply:
    """None: the org has no approval processes."""
    _with(context, call, "approvalLayouts")
    return Reply(200, {"approvalLayouts": []})


def list_views(context: Context, call: Call) -> Reply:
    return Reply(200, layouts.no_list_views(_with(context, call, "listviews")))


def quick_actions(context: Context, call: Call) -> Reply:
    """None: nobody has made any."""
    _with(context, call, "quickActions")
    return Reply(200, [])


def unknown(context: Context, call: Call) -> Reply:
    """Named layouts and approval layouts by name: there are none to be found."""
    raise errors.not_found()


def _object(context: Context, call: Call) -> SObject:
    found = context.org.seen.find(call.args["object"])
    if found is None:
        raise errors.not_found()
    return found


def _with(context: Context, call: Call, page: str) -> SObject:
    """The object, if describe names such a page of it."""
    found = _object(context, call)
    if page not in pages(found):
        raise errors.not_found()
    return found


def _record_types(context: Context, obj: SObject) -> list[tuple[Any, ...]]:
    return context.org.record_type_rows(obj.name)


def _check_record_type(context: Context, call: Call, obj: SObject) -> None:
    known = {MASTER_ID, *(row[0] for row in _record_types(context, obj))}
    given = call.args["type"]
    if not is_valid(given) or to18(given) not in known:
        raise errors.not_found()


def _number(context: Context, obj: SObject) -> int:
    """Stands for the object in the id of its layout."""
    return sorted(context.org.schema.objects).index(obj.name) + 1


# -- conditional ------------------------------------------------------------------------------------------


def _conditional(context: Context, call: Call, make: Callable[[], Any]) -> Reply:
    """An answer with ETag and Last-Modified; 304 when the client's copy is as good."""
    mark = schema_mark(context, call)
    if not_modified(call, mark):
        return Reply(304, headers=mark.headers(), empty=True)
    return Reply(200, make(), headers=mark.headers())


def schema_mark(context: Context, call: Call) -> Validators:
    """When the schema, as the caller sees it, last changed, and a fingerprint of it.

    Metadata, rights and record types move both. Dates of HTTP are whole seconds: two changes never share one.
    """
    everything = call.session is None or context.org.acts_as_administrator
    key = "mark" if everything else f"mark {context.org.acting_user}"
    soql = "SELECT COUNT(Id) n, MAX(SystemModstamp) newest FROM RecordType"
    types = next(iter(context.org.query(soql).records))
    tag = hashlib.sha256(f"{context.org.seen.fingerprint}{types['n']}{types['newest']}".encode()).hexdigest()[:8]
    known = context.org.state_get("schema", key)
    if known is None or known["tag"] != tag:
        now = context.org.clock.now()
        if known is not None:
            now = max(now, datetime.fromisoformat(known["changed"]) + timedelta(seconds=1))
        known = {"tag": tag, "changed": now.isoformat()}
        context.org.state_put("schema", key, known)
    return Validators(datetime.fromisoformat(known["changed"]), tag)
