"""What the REST API tells about itself: versions, resources, limits, describes."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.rest.conditions import http_date
from sfsync.rehearsal.rest.recent import items

# The list is the recorded one (an org of Spring '26); paths take the release after it as well.
FIRST_VERSION, LAST_LISTED, LAST_VERSION = 31, 66, 67
CURLY = 42  # the one version whose label is written with a curly apostrophe
_VERSION_PATH = re.compile(r"/services/data/v\d+\.\d")
_LAST_WITH_BULK_REQUESTS = 48  # up to here DailyBulkApiBatches has another name
# What an org names at the root of a version (vendor: List Available REST Resources); asking there tells what is served.
_RESOURCES = (
    "tooling metadata eclair folders prechatForms contact-tracing jsonxform chatter payments tabs appMenu quickActions"
    " queryAll commerce wave iot analytics search smartdatadiscovery identity composite parameterizedSearch fingerprint"
    " theme nouns domino event serviceTemplates recent connect licensing limits process dedupe async-queries query jobs"
    " localizedvalue mobile emailConnect consent tokenizer compactLayouts async sobjects actions support"
)


def _label(number: int) -> str:
    """Three releases a year; Summer '14 was 31, and a Winter release bears the coming year."""
    season = ("Winter", "Spring", "Summer")[(number - 32) % 3]
    mark = "’" if number == CURLY else "'"
    return f"{season} {mark}{(number + 13) // 3}"


def versions(context: Context, call: Call) -> Reply:
    """GET /services/data, the one call without a token."""
    rows = [
        {"label": _label(one), "url": f"/services/data/v{one}.0", "version": f"{one}.0"}
        for one in range(FIRST_VERSION, LAST_LISTED + 1)
    ]
    return Reply(200, rows)


def check_version(version: str) -> None:
    """OrgError NOT_FOUND for a version the org does not speak, 410 for a retired one."""
    number, _, part = version.partition(".")
    if part != "0" or not 1 <= int(number) <= LAST_VERSION:
        raise errors.not_found()
    if int(number) < FIRST_VERSION:
        raise errors.version_gone()


def resources(context: Context, call: Call) -> Reply:
    """GET /services/data/vXX.X: names and addresses as every org has them."""
    found = {name: f"{call.base}/{name}" for name in _RESOURCES.split()}
    user = call.session.user_id if call.session else context.org.user_id
    found["identity"] = f"{context.site(call)}/id/{context.org.org_id}/{user}"
    return Reply(200, found)


def composite_resources(context: Context, call: Call) -> Reply:
    return Reply(200, {name: f"{call.base}/composite/{name}" for name in ("tree", "batch", "sobjects", "graph")})


def limits(context: Context, call: Call) -> Reply:
    """GET limits, names in alphabetical order."""
    shown = context.limits.show()
    if float(call.version) <= _LAST_WITH_BULK_REQUESTS:
        shown["DailyBulkApiRequests"] = shown.pop("DailyBulkApiBatches")
    return Reply(200, dict(sorted(shown.items())))


def record_count(context: Context, call: Call) -> Reply:
    """GET limits/recordCount. The vendor's figures come from a stale cache; these are exact."""
    wanted = [name.strip() for name in call.params.get("sObjects", "").split(",") if name.strip()]
    names = wanted or [one["name"] for one in context.org.describe_global()["sobjects"] if one["queryable"]]
    counts = [(name, _count(context, name)) for name in names]
    return Reply(200, {"sObjects": [{"count": count, "name": name} for name, count in counts if count]})


def _count(context: Context, name: str) -> int:
    if not re.fullmatch(r"\w+", name):  # so that nothing but a name gets into the query
        return 0
    try:
        return int(context.org.query(f"SELECT COUNT() FROM {name}").total_size)  # noqa: S608
    except OrgError:
        return 0


# -- describe ---------------------------------------------------------------------------------------------


def describe_global(context: Context, call: Call) -> Reply:
    return _conditional(context, call, context.org.describe_global)


def describe(context: Context, call: Call) -> Reply:
    name = call.args["object"]
    return _conditional(context, call, lambda: context.org.describe(name))


def basic(context: Context, call: Call) -> Reply:
    """GET sobjects/X: the entry of the global describe, and rows seen lately."""
    full = context.org.describe(call.args["object"])
    entry = next((one for one in context.org.describe_global()["sobjects"] if one["name"] == full["name"]), None)
    if entry is None:
        raise errors.not_found()
    return Reply(
        200, {"objectDescribe": at_version(entry, call.version), "recentItems": items(context, call, full["name"])}
    )


def _conditional(context: Context, call: Call, make: Any) -> Reply:
    """A describe with ETag and Last-Modified; 304 when the client's copy is as new."""
    changed, tag = _schema_mark(context)
    headers = {"ETag": f'"{tag}"', "Last-Modified": http_date(changed)}
    if _not_newer(changed, call.header("If-Modified-Since")):
        return Reply(304, headers=headers, empty=True)
    return Reply(200, at_version(make(), call.version), headers=headers)


def _not_newer(changed: datetime, since: str) -> bool:
    try:
        return bool(since) and changed.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False


def _schema_mark(context: Context) -> tuple[datetime, str]:
    """When the schema last changed, and its fingerprint; other metadata or record types move both."""
    soql = "SELECT COUNT(Id) n, MAX(SystemModstamp) last FROM RecordType"
    types = next(iter(context.org.query(soql).records))
    mark = f"{_fingerprint(context.org)}{types['n']}{types['last']}"
    tag = hashlib.sha256(mark.encode()).hexdigest()[:8]
    known = context.org.state_get("schema", "mark")
    if known is None or known["tag"] != tag:
        known = {"tag": tag, "changed": context.org.clock.now().isoformat()}
        context.org.state_put("schema", "mark", known)
    return datetime.fromisoformat(known["changed"]), tag


@lru_cache(maxsize=8)
def _fingerprint(org: Any) -> str:
    """The objects and fields of an open org do not change, so they are read once."""
    names = [one["name"] for one in org.describe_global()["sobjects"]]
    text = json.dumps([org.describe(name) for name in names], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def at_version(value: Any, version: str) -> Any:
    """The same JSON value with every record and describe URL of the caller's API version."""
    target = f"/services/data/v{version}"
    if isinstance(value, dict):
        return {key: _retarget(key, item, target, version) for key, item in value.items()}
    if isinstance(value, list):
        return [at_version(item, version) for item in value]
    return value


def _retarget(key: str, item: Any, target: str, version: str) -> Any:
    if key == "url" and isinstance(item, str):
        return _VERSION_PATH.sub(target, item, count=1)
    if key == "urls" and isinstance(item, dict):
        return {name: _VERSION_PATH.sub(target, str(url), count=1) for name, url in item.items()}
    return at_version(item, version) if isinstance(item, dict | list) else item
