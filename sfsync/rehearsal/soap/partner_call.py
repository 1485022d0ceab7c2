"""The headers of a partner API message, as the REST headers that say the same.

So both APIs save and query by the same rules. Unlike REST, SOAP applies no assignment rule unless it is asked to.
Source: vendor, SOAP headers; wire reference 5, headers on writes.
"""

from __future__ import annotations

from dataclasses import replace

from sfsync.rehearsal import xml
from sfsync.rehearsal.call import Call
from sfsync.rehearsal.soap.envelope import Message

BATCH = 500


def with_headers(call: Call, message: Message) -> Call:
    """The call with its SOAP headers translated; whatever HTTP headers said of these does not count."""
    said = message.headers
    rule = message.header("AssignmentRuleHeader", "assignmentRuleId")
    default = xml.flag(said, "AssignmentRuleHeader/useDefaultRule")
    saving, details = (xml.flag(said, f"DuplicateRuleHeader/{name}") for name in ("allowSave", "includeRecordDetails"))
    update_mru = xml.flag(said, "MruHeader/updateMru")
    translated = {
        "sforce-auto-assign": rule or ("TRUE" if default else "FALSE"),
        "sforce-duplicate-rule-header": f"allowSave={str(saving).lower()}; includeRecordDetails={str(details).lower()}",
        "sforce-call-options": f"client={message.header('CallOptions', 'client')}",
        "sforce-query-options": f"batchSize={_batch(message)}",
        "sforce-mru": f"updateMru={str(update_mru).lower()}",
    }
    return replace(call, headers={**call.headers, **translated})


def _batch(message: Message) -> int:
    asked = message.header("QueryOptions", "batchSize")
    return int(asked) if asked.isdecimal() and len(asked) < 6 else BATCH


def all_or_none(message: Message) -> bool:
    return xml.flag(message.headers, "AllOrNoneHeader/allOrNone")


def truncating(message: Message) -> bool:
    """AllowFieldTruncationHeader: texts that are too long are cut instead of refused."""
    return xml.flag(message.headers, "AllowFieldTruncationHeader/allowFieldTruncation")
