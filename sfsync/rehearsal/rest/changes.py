"""What was changed or deleted in a span of time: getUpdated and getDeleted over REST.

Source: vendor, sObject Get Updated, sObject Get Deleted, SOAP getDeleted(); texts of errors as clients have met them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.clock import instant
from sfsync.rehearsal.context import Context

if TYPE_CHECKING:
    from sfsync.rehearsal.schema.model import SObject

MOST_IDS = 600_000
OLDEST, OLDEST_DELETED = timedelta(days=30), timedelta(days=15)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::\d\d(?:\.\d{1,9})?)?[ ]?(Z|[+-]?\d\d:?\d\d)", re.IGNORECASE)
_STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")


def updated(context: Context, call: Call) -> Reply:
    """GET sobjects/X/updated/?start&end: ids of rows made or changed, by SystemModstamp."""
    obj, start, end = _asked(context, call)
    ids = [row["Id"] for row in _rows(context, obj, start, end, "", all_rows=False)]
    return Reply(200, {"ids": ids, "latestDateCovered": instant(min(end, _minute(context.org.clock.now())))})


def deleted(context: Context, call: Call) -> Reply:
    """GET sobjects/X/deleted/?start&end: ids and times of rows deleted in the last 15 days, purged ones too."""
    obj, start, end = _asked(context, call)
    now = _minute(context.org.clock.now())
    earliest = now - OLDEST_DELETED
    since = max(start, earliest)
    dates = context.org.deletions(obj.name, since, end)
    if obj.bin:
        found = _rows(context, obj, since, end, "IsDeleted = true AND ", all_rows=True)
        dates |= {row["Id"]: row[_stamp(obj)] for row in found}
    body = {
        "deletedRecords": [
            {"id": one, "deletedDate": at} for one, at in sorted(dates.items(), key=lambda row: row[::-1])
        ],
        "earliestDateAvailable": instant(earliest),
        "latestDateCovered": instant(min(end, now)),
    }
    return Reply(200, body)


def _asked(context: Context, call: Call) -> tuple[SObject, datetime, datetime]:
    obj = context.org.seen.find(call.args["object"])
    if obj is None:
        raise errors.not_found()
    if "P" not in obj.calls:
        raise errors.not_replicateable(obj.name)
    start, end = _moment(call, "start"), _moment(call, "end")
    if end - start < timedelta(minutes=1):
        raise errors.bad_replication_date("startDate must be at least one minute greater than endDate")
    if start < context.org.clock.now() - OLDEST:
        raise errors.bad_replication_date("startDate cannot be more than 30 days ago")
    return obj, start, end


def _moment(call: Call, name: str) -> datetime:
    """A parameter as an instant, its seconds ignored. A ``+`` that was not encoded arrives as a blank."""
    text = call.params.get(name, "")
    found = _INSTANT.fullmatch(text.strip())
    if found is None:
        raise errors.bad_replication_date(f"{name}: invalid date: {text}" if text else f"{name} is required")
    zone = found[2].upper()
    if zone[0] not in "Z+-":
        zone = f"+{zone}"
    try:
        return datetime.fromisoformat(f"{found[1]}:00{zone}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise errors.bad_replication_date(f"{name}: invalid date: {text}") from error


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _stamp(obj: SObject) -> str:
    return next(name for name in _STAMPS if obj.has(name))


def _rows(
    context: Context, obj: SObject, start: datetime, end: datetime, where: str, *, all_rows: bool
) -> list[dict[str, Any]]:
    stamp = _stamp(obj)
    span = f"{stamp} >= {start:%Y-%m-%dT%H:%M:%SZ} AND {stamp} <= {end:%Y-%m-%dT%H:%M:%SZ}"
    soql = f"SELECT Id, {stamp} FROM {obj.name} WHERE {where}{span} ORDER BY {stamp}, Id LIMIT {MOST_IDS + 1}"  # noqa: S608
    rows = list(context.org.query(soql, all_rows=all_rows).records)
    if len(rows) > MOST_IDS:
        raise errors.too_many_ids(MOST_IDS)
    return rows
