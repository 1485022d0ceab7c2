"""The one place where the org's error codes and texts live.

An ``OrgError`` is a record: code, message, the fields it is about, the HTTP status of a single-record call.
The three shapes in which Salesforce shows an error (REST body, item of a result, Bulk ``sf__Error``) are methods.
Source of the texts: wire reference sections 1, 2.3, 6, 7, 9.1, 11.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_CODE_FIRST = frozenset({"NOT_FOUND", "INVALIDJOBSTATE", "INVALIDENTITY", "API_ERROR", "EXCEEDEDQUOTA"})
_REFERENCE_HINT = " Please reference your WSDL or the describe call for the appropriate names."


class OrgError(Exception):
    """What Salesforce answers instead of doing it.

    ``fields`` is None for errors without a ``fields`` key (query, parser, session, limits) and a list, maybe
    empty, for errors of a save. ``status`` is the HTTP status of a single-record call. For MULTIPLE_CHOICES
    (status 300) ``fields`` holds the ids of the rows found.
    """

    def __init__(self, code: str, message: str, fields: Sequence[str] | None = None, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = None if fields is None else list(fields)
        self.status = status

    def body(self) -> dict[str, Any]:
        """The object inside the array of a REST error answer."""
        if self.code in _CODE_FIRST:
            return {"errorCode": self.code, "message": self.message}
        body: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            body["fields"] = list(self.fields)
        return body

    def item(self) -> dict[str, Any]:
        """The object inside ``errors`` of a collections or create result."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or [])}

    def csv(self) -> str:
        """The text of a Bulk ``sf__Error`` column."""
        if not self.fields:
            return f"{self.code}:{self.message}:--"
        return f"{self.code}:{self.message}:{','.join(self.fields)} --"


# -- session, limits, routes ------------------------------------------------------------------------------


def session_expired() -> OrgError:
    return OrgError("INVALID_SESSION_ID", "Session expired or invalid", status=401)


def request_limit() -> OrgError:
    return OrgError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)


def not_found() -> OrgError:
    return OrgError("NOT_FOUND", "The requested resource does not exist", status=404)


def no_such_external_field(name: str) -> OrgError:
    text = f"Provided external ID field does not exist or is not accessible: {name}"
    return OrgError("NOT_FOUND", text, status=404)


def method_not_allowed(method: str, allowed: Sequence[str]) -> OrgError:
    text = f"HTTP Method '{method}' not allowed. Allowed are {','.join(allowed)}"
    return OrgError("METHOD_NOT_ALLOWED", text, status=405)


def unsupported_media_type(content_type: str) -> OrgError:
    text = f"Content type '{content_type}' is not supported by this resource."
    return OrgError("UNSUPPORTED_MEDIA_TYPE", text, status=415)


def unknown_exception(error_id: str) -> OrgError:
    text = f"An unexpected error occurred. Please include this ErrorId if you contact support: {error_id}"
    return OrgError("UNKNOWN_EXCEPTION", text, status=500)


def server_unavailable() -> OrgError:
    return OrgError("SERVER_UNAVAILABLE", "Server unavailable", status=503)


def json_parser(message: str) -> OrgError:
    return OrgError("JSON_PARSER_ERROR", message)


def body_required() -> OrgError:
    return json_parser("The HTTP entity body is required, but this request has no entity body.")


def attributes_required() -> OrgError:
    text = "Nested object for polymorphic foreign key must have an attributes field before any other fields."
    return OrgError("JSON_PARSER_ERROR", text, [])


def too_many_records(limit: int = 200) -> OrgError:
    text = f"record limit reached. cannot submit more than {limit} records into this call"
    return OrgError("EXCEEDED_ID_LIMIT", text)


def no_records() -> OrgError:
    return OrgError("REQUIRED_FIELD_MISSING", "At least 1 record is required")


def too_many_subrequests(limit: int = 25) -> OrgError:
    return OrgError("LIMIT_EXCEEDED", f"The request can’t contain more than {limit} operations.")


def processing_halted(message: str | None = None) -> OrgError:
    text = "The transaction was rolled back since another operation in the same transaction failed."
    return OrgError("PROCESSING_HALTED", message or text)


def invalid_reference(path: str, root: str) -> OrgError:
    return processing_halted(f"Invalid reference specified. No value for {path} found in {root}.")


# -- bulk -------------------------------------------------------------------------------------------------


def invalid_job_state(message: str) -> OrgError:
    return OrgError("INVALIDJOBSTATE", message)


def invalid_entity(name: str) -> OrgError:
    return OrgError("INVALIDENTITY", f"Entity '{name}' is not supported by the Bulk API.")


def bulk_api_error(message: str) -> OrgError:
    return OrgError("API_ERROR", message)


def invalid_batch(message: str) -> OrgError:
    return OrgError("InvalidBatch", message)


def unknown_header_column(name: str) -> OrgError:
    return invalid_batch(f"Field name not found : {name}")


# -- saving a record --------------------------------------------------------------------------------------


def required_missing(fields: Sequence[str]) -> OrgError:
    return OrgError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(fields)}]", fields)


def no_such_column_dml(field: str, obj: str) -> OrgError:
    return OrgError("INVALID_FIELD", f"No such column '{field}' on sobject of type {obj}")


def id_in_body() -> OrgError:
    return OrgError("INVALID_FIELD", "The Id field should not be specified in the sobject data.")


def foreign_key_not_found(value: str, field: str, obj: str) -> OrgError:
    text = f"Foreign key external ID: {value} not found for field {field} in entity {obj}"
    return OrgError("INVALID_FIELD", text, [])


def read_only(fields: Sequence[str]) -> OrgError:
    text = (
        f"Unable to create/update fields: {', '.join(fields)}. Please check the security settings of this field "
        "and verify that it is read/write for your profile or permission set."
    )
    return OrgError("INVALID_FIELD_FOR_INSERT_UPDATE", text, fields)


def string_too_long(label: str, field: str, value: str, length: int) -> OrgError:
    text = f"{label}: data value too large: {value} (max length={length})"
    return OrgError("STRING_TOO_LONG", text, [field])


def bad_picklist_value(label: str, field: str, value: str) -> OrgError:
    text = f"{label}: bad value for restricted picklist field: {value}"
    return OrgError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, [field])


def invalid_email(label: str, field: str, value: str) -> OrgError:
    return OrgError("INVALID_EMAIL_ADDRESS", f"{label}: invalid email address: {value}", [field])


def bad_value(kind: str, value: str, column: int = 1) -> OrgError:
    """``kind`` is the soap type word: datetime, date, boolean, double, int, string."""
    text = f'Cannot deserialize instance of {kind} from VALUE_STRING value "{value}" at [line:1, column:{column}]'
    return OrgError("JSON_PARSER_ERROR", text, [])


def bad_csv_value(field: str, column: int, value: str, soap_type: str) -> OrgError:
    """``column`` is 0-based in the uploaded header."""
    text = (
        f"Failed to deserialize field at col {column}. Due to, '{value}' is not a valid value for the type {soap_type}"
    )
    return OrgError("INVALID_FIELD", text, [field])


def unsupported_characters(label: str, field: str) -> OrgError:
    """Half a surrogate pair, for example: no database keeps that."""
    text = f"{label}: text data outside the supported character set"
    return OrgError("TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET", text, [field])


def wrong_type(label: str, field: str, value: str) -> OrgError:
    return OrgError("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{label}: value not of required type: {value}", [field])


def invalid_date(label: str, field: str, value: str) -> OrgError:
    """Years before 1700 or after 4000."""
    return OrgError("NUMBER_OUTSIDE_VALID_RANGE", f"{label}: invalid date: {value}", [field])


def bad_field_names(obj: str, fields: Sequence[str]) -> OrgError:
    """A person's fields on a business account, or the Name of a person."""
    text = f"{obj}: bad field names on insert/update call: {', '.join(fields)}"
    return OrgError("INVALID_FIELD_FOR_INSERT_UPDATE", text, fields)


def number_out_of_range(label: str, field: str, value: str) -> OrgError:
    text = f"{label}: value outside of valid range on numeric field: {value}"
    return OrgError("NUMBER_OUTSIDE_VALID_RANGE", text, [field])


def duplicate_value(field: str, record_id: str | None) -> OrgError:
    """The text carries the API name and the 15-character id of the row that has the value."""
    other = "<unknown>" if record_id is None else record_id[:15]
    return OrgError(
        "DUPLICATE_VALUE", f"duplicate value found: {field} duplicates value on record with id: {other}", []
    )


def duplicate_assignment(assignee: str, permission_set: str) -> OrgError:
    text = f"Duplicate PermissionSetAssignment.  Assignee: {assignee[:15]}; Permission Set: {permission_set[:15]}"
    return OrgError("DUPLICATE_VALUE", text, ["AssigneeId", "PermissionSetId"])


def duplicate_external_id(value: str) -> OrgError:
    """Two rows of one upsert call with the same key."""
    return OrgError("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", [])


def duplicate_id_in_call(record_id: str) -> OrgError:
    return OrgError("DUPLICATE_VALUE", f"duplicate id in list: {record_id}", ["Id"])


def duplicate_username(username: str) -> OrgError:
    text = (
        "Duplicate Username.<br>The username already exists in this or another Salesforce organization. "
        "Usernames must be unique across all Salesforce organizations. To resolve, use a different username "
        f"(it doesn't need to match the user's email address). Value: {username}"
    )
    return OrgError("DUPLICATE_USERNAME", text, ["Username"])


def malformed_id(label: str, field: str, value: str) -> OrgError:
    """``label`` as shown to people, for example ``Account ID``."""
    return OrgError("MALFORMED_ID", f"{label}: id value of incorrect type: {value}", [field])


def malformed_id_delete(value: str) -> OrgError:
    return OrgError("MALFORMED_ID", f"malformed id {value}", [])


def id_missing() -> OrgError:
    return OrgError("MISSING_ARGUMENT", "Id not specified in an update call", [])


def external_id_missing(field: str) -> OrgError:
    return OrgError("MISSING_ARGUMENT", f"{field} not specified", [])


def entity_is_deleted() -> OrgError:
    return OrgError("ENTITY_IS_DELETED", "entity is deleted", [], status=404)


def invalid_cross_reference(field: str | None = None, status: int = 400) -> OrgError:
    fields = [] if field is None else [field]
    return OrgError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields, status=status)


def bad_record_type(field: str = "RecordTypeId") -> OrgError:
    text = "Record Type ID: this ID value isn't valid for the user: "
    return OrgError("INVALID_CROSS_REFERENCE_KEY", text.rstrip(), [field])


def queue_not_for_object() -> OrgError:
    text = "Queue not associated with this SObject type"
    return OrgError("INVALID_OPERATION", text, ["OwnerId"])


def inactive_owner() -> OrgError:
    text = "operation performed with inactive user"
    return OrgError("INACTIVE_OWNER_OR_USER", text, ["OwnerId"])


def insufficient_access() -> OrgError:
    text = "insufficient access rights on object id"
    return OrgError("INSUFFICIENT_ACCESS_OR_READONLY", text, [], status=403)


def not_creatable(obj: str) -> OrgError:
    return OrgError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {obj}", [])


def not_updateable(obj: str) -> OrgError:
    return OrgError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be updated: {obj}", [])


def not_deletable(obj: str) -> OrgError:
    return OrgError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be deleted: {obj}", [])


def mixed_dml(obj: str, other: str) -> OrgError:
    text = (
        "DML operation on setup object is not permitted after you have updated a non-setup object (or vice versa): "
        f"{obj}, original object: {other}"
    )
    return OrgError("MIXED_DML_OPERATION", text, [])


def invalid_person_account(message: str) -> OrgError:
    return OrgError("INVALID_PERSON_ACCOUNT_OPERATION", message, [])


def delete_failed(name: str, what: str, names: Sequence[str]) -> OrgError:
    text = (
        f"Your attempt to delete {name} could not be completed because it is associated with the following "
        f"{what}.: {', '.join(names)}\n"
    )
    return OrgError("DELETE_FAILED", text, [])


def lock_not_obtained(record_ids: Sequence[str]) -> OrgError:
    ids = ",".join(one[:15] for one in record_ids)
    text = f"unable to obtain exclusive access to this record or {len(record_ids)} records: {ids}"
    return OrgError("UNABLE_TO_LOCK_ROW", text, [])


def rolled_back() -> OrgError:
    """What the innocent rows of an all-or-none call carry."""
    text = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    return OrgError("ALL_OR_NONE_OPERATION_ROLLED_BACK", text, [])


def multiple_choices(record_ids: Sequence[str]) -> OrgError:
    return OrgError("MULTIPLE_CHOICES", "Multiple records found", record_ids, status=300)


def ambiguous_external_id(field: str, value: str) -> OrgError:
    """Several rows carry the key: the form an item of a collection shows."""
    text = f"{field}: more than one record found for external id field: [{value}]"
    return OrgError("DUPLICATE_EXTERNAL_ID", text, [field])


def upsert_field_not_allowed(field: str) -> OrgError:
    text = (
        f"Field name provided, {field} does not match an External ID, Salesforce Id, or indexed field for this object"
    )
    return OrgError("INVALID_FIELD", text, [])


# -- queries ----------------------------------------------------------------------------------------------


def malformed_query(message: str) -> OrgError:
    return OrgError("MALFORMED_QUERY", message)


def unexpected_token(token: str) -> OrgError:
    return malformed_query(f"unexpected token: '{token}'")


def invalid_query_locator() -> OrgError:
    return OrgError("INVALID_QUERY_LOCATOR", "invalid query locator")


def query_too_long(limit: int = 100_000) -> OrgError:
    return malformed_query(f"SOQL statements can not be longer than {limit} characters")


def offset_out_of_range(limit: int = 2000) -> OrgError:
    return OrgError("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {limit}")


def too_many_groups() -> OrgError:
    text = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"
    return OrgError("EXCEEDED_ID_LIMIT", text)


def not_supported(name: str) -> str:
    """INVALID_TYPE text of a query."""
    return (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append "
        f"the '__c' after the entity name.{_REFERENCE_HINT}"
    )


def no_such_column(field: str, entity: str) -> str:
    """INVALID_FIELD text of a query."""
    return (
        f"No such column '{field}' on entity '{entity}'. If you are attempting to use a custom field, be sure to "
        f"append the '__c' after the custom field name.{_REFERENCE_HINT}"
    )


def no_such_relationship(name: str) -> str:
    return (
        f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom relationship, "
        f"be sure to append the '__r' after the custom relationship name.{_REFERENCE_HINT}"
    )


def no_such_child_relationship(name: str) -> str:
    return (
        f"Didn't understand relationship '{name}' in FROM part of query call. If you are attempting to use a custom "
        f"relationship, be sure to append the '__r' after the custom relationship name.{_REFERENCE_HINT}"
    )


def criterion_type(field: str, wanted: str) -> str:
    quotes = "should be" if wanted == "string" else "should not be"
    return f"value of filter criterion for field '{field}' must be of type {wanted} and {quotes} enclosed in quotes"


def at_position(code: str, query: str, position: int, text: str) -> OrgError:
    """A query error with Salesforce's snippet and caret.

    ``position`` is the 0-based offset in ``query``. The snippet is cut from that row only, on blanks and commas,
    about 30 characters either side (wire reference 9.1).
    """
    before = query[:position]
    row = before.count("\n") + 1
    start_of_row = before.rfind("\n") + 1
    column = position - start_of_row
    line = query[start_of_row:].split("\n", 1)[0]
    start = _cut_before(line, column - 31)
    end = _cut_after(line, column + 31)
    caret = " " * (column - start)
    head = f"\n{line[start:end]}\n{caret}^\nERROR at Row:{row}:Column:{column + 1}\n"
    return OrgError(code, head + text)


def _cut_before(line: str, limit: int) -> int:
    if limit < 0:
        return 0
    return max(line.rfind(" ", 0, limit + 1), line.rfind(",", 0, limit + 1)) + 1


def _cut_after(line: str, limit: int) -> int:
    found = [at for at in (line.find(" ", limit), line.find(",", limit)) if at >= 0]
    return min(found, default=len(line))
