"""Differences that have to be, each with its reason. A difference without one is a defect.

``(pattern of the pair's name, pattern of the difference, reason)``; both are searched.
"""

from __future__ import annotations

import re

_PERSON = "the recording shows its own user and organization, ours its own"
_PROXY = "the recording came through a proxy that wrote 15000.0 anew as 15000"
_DOCS = "the vendor's example is older or abridged; where a recording of the same answer exists, it is ours"
_FEATURES = "the recorded org has features, packages or custom fields that this one has not, or the other way round"
_TRIMMED = "the recorders kept only a part of the answer"

REASONS: tuple[tuple[str, str, str], ...] = (
    (r"userinfo", r"^\.", _PERSON),
    (r"GET data/vxx.0/sobjects/Organization", r"^\.\w+", _PERSON),
    (r"execute-dependent", r"compositeResponse\[3\]\.body\.", _PERSON),
    (r"jwt success", r"\.scope", "the scope is what the app was given; a made-up fixture of a client's own tests"),
    (r"soap login success", r"line", "a fixture of the enterprise endpoint; ours is the partner's"),
    (r"soap session fault", r"line", "a fixture without the detail element that the vendor's WSDL gives every fault"),
    (r"test_updates_task#1", r"sObjects", "a stale count of the recorded org: objects without rows are left out"),
    (r"Sforce-Limit-Info", r"\{\}", _TRIMMED),
    (r"basic-info", r"recentItems", "what the recorded user had looked at"),
    (r"^describe", r"childRelationships: recorded has|\.fields: recorded has", _FEATURES),
    (r"describe (Account|Contact|Case|Lead)$", r"supportedScopes|urls|\{\}", "describes grew from API 48 to 60"),
    (r"describe (Account|Contact|Case|Lead)$", r"byteLength|length:|Near ?Address|picklistValues", "as of API 48"),
    (r"describe Custom__c", r".", "the recorded object is a list custom setting of its own package"),
    (r"describe global", r"\.Campaign\.", "the recorded user has no marketing licence"),
    (r"^describe", r"\.(fields|recordTypeInfos|childRelationships)(\.|: recorded has)", _FEATURES),
    (r"get-record", r"\{\}", _FEATURES),
    (r"get-record|opportunities GET", r"recorded int", _PROXY),
    (r"create account \(2\)", r"order", _DOCS),
    (r"external id matches several", r".", "a fixture whose records have words for ids"),
    (r"get by external id", r".", "the example's external id is a number, ours a text"),
    (r"duplicate rule block", r"matchEngine", "the rehearsal org matches exactly; fuzzy rules are refused by name"),
    (r"row lock", r"message", "the tracker masked the id"),
    (r"malformed id", r".", "documented: fields names the look-up that was wrong, which helps more than Id"),
    (r"bad datetime", r"column", "the tracker cut the request body; the column is that of the body sent"),
    (r"update-records.*allOrNone=true", r"has keys \['id'\]", "recorded rolled-back items have no id"),
    (r"upsert-records.*allOrNone=true", r".", "the documented error cannot come from the documented request"),
    (r"composite-batch-request", r"PlatformEventTriggers|results\[1\]", _TRIMMED),
    (r"execute-dependent", r"compositeResponse\[[14]\]\.(body|httpStatus)", _TRIMMED),
    (r"page with nextRecordsUrl", r"nextRecordsUrl", _DOCS),
    (r"poll InProgress", r"numberRecordsProcessed", "the recorded moment of a larger load"),
    (r"create insert job", r"contentUrl", _DOCS),
    (r"bulk2_query: (poll|abort)", r"apiVersion|numberRecordsProcessed", _DOCS),
    (r"bulk2_query: result(s page| pages)", r"locator|line|resultPages|nextRecordsUrl|done", _TRIMMED),
    (r"bulk1: .*strategy#3[34]", r"content-type", "the recorder gave every answer of that file one content type"),
)  # fmt: skip
NOT_PLAYED: tuple[tuple[str, str], ...] = ((r"^cdc_events", "an event as a subscriber gets it, no exchange over HTTP"),)


def reason(pair: str, difference: str) -> str | None:
    """Why this difference has to be; None if nobody knows."""
    for name, where, why in REASONS:
        if re.search(name, pair) and re.search(where, difference):
            return why
    return None


def not_played(pair: str) -> str | None:
    return next((why for name, why in NOT_PLAYED if re.search(name, pair)), None)
