"""Errors of the Bulk APIs."""

from __future__ import annotations

from sfsync.rehearsal.errors.base import OrgError


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


def hard_delete_not_allowed() -> OrgError:
    """For users without the permission Bulk API Hard Delete."""
    text = "hardDelete operation requires special user profile permission, please contact your system administrator"
    return OrgError("FEATURENOTENABLED", text)
