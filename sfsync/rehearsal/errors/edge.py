"""Errors of the way in: sessions, limits, routes, bodies, composite."""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.rehearsal.errors.base import OrgError


def session_expired() -> OrgError:
    return OrgError("INVALID_SESSION_ID", "Session expired or invalid", status=401)


def request_limit() -> OrgError:
    return OrgError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)


def bad_replication_date(message: str) -> OrgError:
    return OrgError("INVALID_REPLICATION_DATE", message)


def too_many_ids(limit: int) -> OrgError:
    return OrgError("EXCEEDED_ID_LIMIT", f"exceeded {limit} ids; choose start and end closer together")


def not_replicateable(name: str) -> OrgError:
    return OrgError("INVALID_TYPE_FOR_OPERATION", f"entity type {name} does not support replicate")


def no_blobs(name: str) -> OrgError:
    """A refusal of the rehearsal org's own: it keeps no bodies of files."""
    return OrgError("FUNCTIONALITY_NOT_ENABLED", f"The rehearsal org keeps no file bodies: {name}", status=501)


def not_found() -> OrgError:
    return OrgError("NOT_FOUND", "The requested resource does not exist", status=404)


def no_such_external_field(name: str) -> OrgError:
    text = f"Provided external ID field does not exist or is not accessible: {name}"
    return OrgError("NOT_FOUND", text, status=404)


def method_not_allowed(method: str, allowed: Sequence[str]) -> OrgError:
    text = f"HTTP Method '{method}' not allowed. Allowed are {','.join(allowed)}"
    return OrgError("METHOD_NOT_ALLOWED", text, status=405)


def version_gone() -> OrgError:
    return OrgError("GONE", "The requested API version has been retired", status=410)


def precondition_failed() -> OrgError:
    text = "A precondition in the request headers does not hold for the record as it is now"
    return OrgError("PRECONDITION_FAILED", text, status=412)


def bad_header(name: str, value: str) -> OrgError:
    return OrgError("BAD_REQUEST", f"Invalid value for header {name}: {value}")


def xml_parser(message: str) -> OrgError:
    return OrgError("XML_PARSER_ERROR", message)


def unsupported_media_type(content_type: str) -> OrgError:
    text = f"MediaType of '{content_type}' is not supported by this resource"
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
