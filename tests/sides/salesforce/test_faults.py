"""Codes become classes and sentences; values of records never come through."""

from __future__ import annotations

import pytest

from sfsync.sides.salesforce import faults


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("STRING_TOO_LONG", "City: data value too large: Secret Town (max length=40)", "data"),
        ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: 001", "lock"),
        (
            "INVALID_FIELD",
            "Foreign key external ID: s-9 not found for field SFS_Shop_Code__c in entity Account",
            "parent",
        ),
        ("INVALID_FIELD", "No such column 'X' on sobject of type Account", "data"),
        ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", "limit"),
        ("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", "transient"),
        ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", "permission"),
        ("UNKNOWN_EXCEPTION", "An unexpected error occurred.", "transient"),
        ("BRAND_NEW_CODE", "Mario Rossi is not allowed", "unknown"),
    ],
)
def test_class_by_code(code: str, message: str, kind: str) -> None:
    found = faults.fault(code, message)
    assert (found.code, found.kind) == (code, kind)
    for value in ("Secret", "s-9", "Mario", "001"):
        assert value not in found.reason


def test_a_missing_parent_names_the_field_it_was_looked_up_by() -> None:
    found = faults.fault(
        "INVALID_FIELD", "Foreign key external ID: s-9 not found for field SFS_Shop_Code__c in entity Account"
    )
    assert found.fields == ("SFS_Shop_Code__c",)


def test_several_errors_of_one_record_keep_all_fields() -> None:
    errors = [
        {"statusCode": "STRING_TOO_LONG", "message": "x", "fields": ["BillingCity"]},
        {"statusCode": "INVALID_EMAIL_ADDRESS", "message": "y", "fields": ["Email", "BillingCity"]},
    ]
    found = faults.of_items(errors)
    assert (found.code, found.fields) == ("STRING_TOO_LONG", ("BillingCity", "Email"))


@pytest.mark.parametrize(
    ("text", "code", "fields"),
    [
        ("REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --", "REQUIRED_FIELD_MISSING", ("Name",)),
        ("REQUIRED_FIELD_MISSING:Required fields are missing: [A, B]:A,B --", "REQUIRED_FIELD_MISSING", ("A", "B")),
        ("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--", "UNABLE_TO_LOCK_ROW", ()),
        ("INVALID_FIELD:Failed at col 3. Due to, '20:03' is not valid:CloseDate --", "INVALID_FIELD", ("CloseDate",)),
        ("", "", ()),
    ],
)
def test_bulk_error_texts(text: str, code: str, fields: tuple[str, ...]) -> None:
    found = faults.of_csv(text)
    assert (found.code, found.fields) == (code, fields)


def test_a_failed_job_gives_its_code() -> None:
    assert faults.of_job("InvalidBatch : Field name not found : X").code == "InvalidBatch"
    assert faults.of_job("").code == "JOB_FAILED"
