"""Errors of saving and deleting a record."""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.rehearsal.errors.base import OrgError


def required_missing(fields: Sequence[str]) -> OrgError:
    return OrgError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(fields)}]", fields)


def no_such_column_dml(field: str, obj: str) -> OrgError:
    return OrgError("INVALID_FIELD", f"No such column '{field}' on sobject of type {obj}")


def id_in_body() -> OrgError:
    return OrgError("INVALID_FIELD", "The Id field should not be specified in the sobject data.")


def foreign_key_not_found(value: str, field: str, obj: str) -> OrgError:
    text = f"Foreign key external ID: {value} not found for field {field} in entity {obj}"
    return OrgError("INVALID_FIELD", text, [])


def not_one_foreign_key(obj: str, fields: int) -> OrgError:
    """A parent named by two of its fields, or by none."""
    amount = "More than 1" if fields else "No"
    return OrgError(
        "INVALID_FIELD", f"{amount} field provided in an external foreign key reference in entity: {obj}", []
    )


def read_only(fields: Sequence[str]) -> OrgError:
    text = (
        f"Unable to create/update fields: {', '.join(fields)}. Please check the security settings of this field "
        "and verify that it is read/write for your profile or permission set."
    )
    return OrgError("INVALID_FIELD_FOR_INSERT_UPDATE", text, fields)


def value_too_long(label: str, field: str, value: str, length: int) -> OrgError:
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


def entity_is_deleted(field: str | None = None) -> OrgError:
    """The row of the call is in the recycle bin (404), or the one its ``field`` points at (400)."""
    return OrgError("ENTITY_IS_DELETED", "entity is deleted", [], status=404 if field is None else 400)


def invalid_cross_reference(field: str | None = None, status: int = 400) -> OrgError:
    fields = [] if field is None else [field]
    return OrgError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields, status=status)


def bad_record_type(field: str = "RecordTypeId") -> OrgError:
    text = "Record Type ID: this ID value isn't valid for the user: "
    return OrgError("INVALID_CROSS_REFERENCE_KEY", text.rstrip(), [field])


def queue_not_for_object() -> OrgError:
    text = "Queue not associated with this SObject type"
    return OrgError("INVALID_OPERATION", text, ["OwnerId"])


def inactive_owner(user_id: str, obj: str) -> OrgError:
    text = f"operation performed with inactive user [{user_id[:15]}] as owner of {obj.lower()}"
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


def not_undeletable(obj: str) -> OrgError:
    return OrgError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be undeleted: {obj}", [])


def not_in_bin() -> OrgError:
    return OrgError("UNDELETE_FAILED", "Entity is not in the recycle bin", [])


def not_mergeable(obj: str) -> OrgError:
    return OrgError("INVALID_TYPE_FOR_OPERATION", f"entity type {obj} does not support merge", [])


def merge_count() -> OrgError:
    text = "a merge takes one or two records beside the master record"
    return OrgError("MERGE_FAILED", text, [])


def circular() -> OrgError:
    """A record above itself in its own hierarchy."""
    return OrgError("CIRCULAR_DEPENDENCY", "attempt to violate hierarchy constraints", [])


def event_ends_before_it_starts() -> OrgError:
    return OrgError("FIELD_INTEGRITY_EXCEPTION", "Event duration can not be negative", ["EndDateTime"])


def license_limit() -> OrgError:
    return OrgError("LICENSE_LIMIT_EXCEEDED", "License Limit Exceeded", ["ProfileId"])


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
    if not record_ids:
        return OrgError("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", [])
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


def upsert_field_not_allowed(field: str, obj: str) -> OrgError:
    text = f"Field name provided, {field} does not match an External ID, Salesforce Id, or indexed field for {obj}"
    return OrgError("INVALID_FIELD", text, [])
