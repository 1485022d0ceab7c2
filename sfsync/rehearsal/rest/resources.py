"""What the REST API tells about itself: versions, resources, limits."""

from __future__ import annotations

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError

# The list is the recorded one (an org of Spring '26); paths take the release after it as well.
FIRST_VERSION, LAST_LISTED, LAST_VERSION = 31, 66, 67
CURLY = 42  # the one version whose label is written with a curly apostrophe
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


def tabs(context: Context, call: Call) -> Reply:
    """GET tabs: none, as for a user without a user interface."""
    return Reply(200, [])


def theme(context: Context, call: Call) -> Reply:
    """GET theme: no icons and no colours without tabs."""
    return Reply(200, {"themeItems": []})


def record_count(context: Context, call: Call) -> Reply:
    """GET limits/recordCount. The vendor's figures come from a stale cache; these are exact."""
    wanted = [name.strip() for name in call.params.get("sObjects", "").split(",") if name.strip()]
    names = wanted or [one["name"] for one in context.org.describe_global()["sobjects"] if one["queryable"]]
    counts = [_count(context, name) for name in names]
    return Reply(200, {"sObjects": [{"count": count, "name": name} for name, count in counts if count]})


def _count(context: Context, name: str) -> tuple[str, int]:
    """The object in the schema's own case, and its rows; none for what is no object to the caller."""
    obj = context.org.seen.find(name)
    if obj is None:
        return name, 0
    try:
        return obj.name, int(context.org.query(f"SELECT COUNT() FROM {obj.name}").total_size)  # noqa: S608 - SOQL
    except OrgError:
        return obj.name, 0
