"""Salesforce's codes turned into classes of failure and sentences of ours.

Only codes are looked at (texts are translated to the language of the user), with two exceptions that Salesforce
expresses in the text alone: a parent not found, and which request limit was hit. No sentence holds a value of a
record. Source: wire reference 2.3, 6, 7, 11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sfsync.errors import SideError

DATA, PARENT, LOCK, PERMISSION, LIMIT, TRANSIENT, SESSION, UNKNOWN = (
    "data",
    "parent",
    "lock",
    "permission",
    "limit",
    "transient",
    "session",
    "unknown",
)

_KNOWN: dict[str, tuple[str, str]] = {
    "REQUIRED_FIELD_MISSING": (DATA, "A field that Salesforce requires is empty."),
    "STRING_TOO_LONG": (DATA, "A text is longer than its Salesforce field."),
    "INVALID_EMAIL_ADDRESS": (DATA, "Salesforce does not accept the e-mail address."),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": (DATA, "The value is not in the restricted picklist."),
    "DUPLICATE_VALUE": (DATA, "Another record already holds a value that must be unique."),
    "DUPLICATE_EXTERNAL_ID": (DATA, "The same key came twice in one call."),
    "DUPLICATES_DETECTED": (DATA, "A duplicate rule of the org blocked the record."),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": (DATA, "A validation rule of the org refused the record."),
    "FIELD_INTEGRITY_EXCEPTION": (DATA, "The values contradict each other or a setting of the org."),
    "NUMBER_OUTSIDE_VALID_RANGE": (DATA, "A number is outside the range of its field."),
    "INVALID_TYPE_ON_FIELD_IN_RECORD": (DATA, "A value has the wrong type for its field."),
    "JSON_PARSER_ERROR": (DATA, "A value has the wrong type for its field."),
    "MALFORMED_ID": (DATA, "The Salesforce id is not valid for this object."),
    "ENTITY_IS_DELETED": (DATA, "The record was deleted in Salesforce."),
    "INVALID_CROSS_REFERENCE_KEY": (DATA, "The record, or one it points to, does not exist in Salesforce."),
    "NOT_FOUND": (DATA, "The record does not exist in Salesforce or cannot be seen."),
    "DELETE_FAILED": (DATA, "Other records still point to this one."),
    "INVALID_FIELD": (DATA, "A field does not exist in the org or cannot be seen."),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": (DATA, "An automation of the org (trigger or flow) refused the record."),
    "MISSING_ARGUMENT": (DATA, "The Salesforce id of the record is missing."),
    "PARENT_NOT_FOUND": (PARENT, "The record it belongs to is not in Salesforce yet."),
    "RECORD_TYPE_UNKNOWN": (DATA, "The mapping names no record type for this record, or the org lacks it."),
    "USER_NOT_A_USERNAME": (DATA, "The owner is not a username."),
    "UNABLE_TO_LOCK_ROW": (LOCK, "Somebody else held the record, or its parent, locked."),
    "TXN_SECURITY_METERING_ERROR": (TRANSIENT, "Salesforce was too busy."),
    "SERVER_UNAVAILABLE": (TRANSIENT, "Salesforce was not available for a moment."),
    "UNKNOWN_EXCEPTION": (TRANSIENT, "Salesforce had an internal error."),
    "QUERY_TIMEOUT": (TRANSIENT, "The query ran too long."),
    "REQUEST_RUNNING_TOO_LONG": (TRANSIENT, "The call ran too long."),
    "PROCESSING_HALTED": (TRANSIENT, "The call was rolled back because of another record."),
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": (TRANSIENT, "The call was rolled back because of another record."),
    "UNPROCESSED": (TRANSIENT, "The job ended before it reached this record."),
    "JOB_ABORTED": (TRANSIENT, "The job was aborted before it reached this record."),
    "INSUFFICIENT_ACCESS_OR_READONLY": (PERMISSION, "The user may not change this record."),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": (PERMISSION, "The user may not see the record it points to."),
    "INSUFFICIENT_ACCESS": (PERMISSION, "The user lacks a permission."),
    "INVALID_FIELD_FOR_INSERT_UPDATE": (PERMISSION, "The user may not write one of the fields."),
    "INVALID_TYPE": (PERMISSION, "The object does not exist in the org or cannot be seen."),
    "API_DISABLED_FOR_ORG": (PERMISSION, "The API is not enabled for this org."),
    "API_CURRENTLY_DISABLED": (PERMISSION, "The API is disabled for this user."),
    "REQUEST_LIMIT_EXCEEDED": (LIMIT, "The org's API calls for today are used up."),
    "LIMIT_EXCEEDED": (LIMIT, "A limit of Salesforce was reached."),
    "EXCEEDED_ID_LIMIT": (LIMIT, "A limit of Salesforce was reached."),
    "EXCEEDEDQUOTA": (LIMIT, "The org's Bulk API quota for today is used up."),
    "STORAGE_LIMIT_EXCEEDED": (LIMIT, "The org's storage is full."),
    "INVALID_SESSION_ID": (SESSION, "The session ended."),
}
_PARENT_TEXT = re.compile(r"not found for field (\w+) in entity (\w+)")


@dataclass(frozen=True)
class Fault:
    """One error of Salesforce: its code, our class, our sentence and the API names it is about."""

    code: str
    kind: str
    reason: str
    fields: tuple[str, ...] = ()


def fault(code: str, message: str = "", fields: Sequence[str] = ()) -> Fault:
    """The fault for a code; an unknown code is shown as it is, with class ``unknown``."""
    found = _PARENT_TEXT.search(message) if code == "INVALID_FIELD" else None
    if found or (code == "INVALID_FIELD" and "external ID" in message):
        kind, reason = _KNOWN["PARENT_NOT_FOUND"]
        return Fault(code, kind, reason, (found.group(1),) if found else tuple(fields))
    if code == "REQUEST_LIMIT_EXCEEDED" and "Concurrent" in message:
        return Fault(code, TRANSIENT, "Too many long calls ran at the same time.")
    kind, reason = _KNOWN.get(code, (UNKNOWN, f"Salesforce refused the record ({code})."))
    return Fault(code, kind, reason, tuple(fields))


def of_item(error: Mapping[str, Any]) -> Fault:
    """From an item of a REST error array or of a result's ``errors``."""
    code = str(error.get("statusCode") or error.get("errorCode") or "UNKNOWN")
    return fault(code, str(error.get("message") or ""), [str(f) for f in error.get("fields") or ()])


def of_items(errors: Sequence[Mapping[str, Any]]) -> Fault:
    """Several errors of one record as one: the first decides the class, all fields are kept."""
    if not errors:
        return fault("UNKNOWN")
    faults = [of_item(e) for e in errors]
    fields = dict.fromkeys(f for one in faults for f in one.fields)
    return Fault(faults[0].code, faults[0].kind, faults[0].reason, tuple(fields))


def of_csv(text: str) -> Fault:
    """From ``CODE:message:Field1,Field2 --`` of a Bulk result."""
    code, _, rest = text.partition(":")
    message, _, tail = rest.rpartition(":")
    names = tail.removesuffix("--").strip()
    fields = [n.strip() for n in names.split(",") if re.fullmatch(r"\s*\w+\s*", n)]
    return fault(code.strip(), message, fields)


def of_job(error_message: str) -> Fault:
    """From the ``errorMessage`` of a failed Bulk job (``CODE : text``)."""
    code = error_message.partition(":")[0].strip() or "JOB_FAILED"
    return fault(code, error_message)


class Refused(SideError):
    """The org answered a call with an error that no retry cures; ``status`` and ``faults`` tell which."""

    def __init__(self, status: int, faults: Sequence[Fault], what: str) -> None:
        first = faults[0] if faults else Fault(f"HTTP_{status}", UNKNOWN, f"Salesforce answered with status {status}.")
        super().__init__(f"{what}: {first.reason}", first.code, "salesforce", _NEXT.get(first.kind, ""))
        self.status = status
        self.faults = tuple(faults)
        self.kind = first.kind


_NEXT = {
    PERMISSION: "Assign the permission set of sfsync to the user, then run: sfsync doctor",
    LIMIT: "Wait until the limit is renewed; sfsync doctor shows the org's limits.",
    TRANSIENT: "Run the command again in a few minutes.",
    DATA: "Run: sfsync doctor   to compare the mapping with the org.",
}
