"""Errors of the composite family: collections, composite, graph, batch, tree (wire reference 7 and 8)."""

from __future__ import annotations

from sfsync.rehearsal.errors.base import OrgError

_ID_RULE = "must start with a letter or a number, and it can contain only letters, numbers and underscores ('_')."


def bad_reference_id(reference: str) -> OrgError:
    """A referenceId with other characters; refuses the whole call from version 52."""
    return OrgError("JSON_PARSER_ERROR", f"Provided referenceId ('{reference}') {_ID_RULE}")


def no_reference(path: str, root: str) -> OrgError:
    """Nothing in this call has the referenceId ``root``, or what had it failed."""
    return OrgError("PROCESSING_HALTED", f"Invalid reference specified. No value for {path} found in {root}.")


def no_value_for_reference(path: str, root: str) -> OrgError:
    """The subrequest ``root`` is there, but its answer has nothing at ``path``."""
    text = (
        f"Invalid reference specified. No value for {path} found in {root}. Provided referenceId ('{path}') {_ID_RULE}"
    )
    return OrgError("PROCESSING_HALTED", text)


def duplicate_reference(reference: str) -> OrgError:
    return OrgError("PROCESSING_HALTED", f"Duplicate ReferenceId found: {reference}", [])


def duplicate_reference_provided() -> OrgError:
    return OrgError("INVALID_INPUT", "Duplicate ReferenceId provided in the request.", [])


def reference_id_needed() -> OrgError:
    text = "Include a reference ID for each record in the request."
    return OrgError("INVALID_INPUT", text, status=403)


def entity_type_needed() -> OrgError:
    return OrgError("INVALID_INPUT", "Include an entity type for each record in the request.", [])


def invalid_input(text: str) -> OrgError:
    return OrgError("INVALID_INPUT", text)


def bad_method(method: str) -> OrgError:
    text = f"Invalid method '{method}': it must be one of DELETE, GET, PATCH, POST, PUT (case-sensitive)"
    return OrgError("JSON_PARSER_ERROR", text)


def header_not_allowed(name: str) -> OrgError:
    """Accept, Authorization and Content-Type come from the call as a whole."""
    return OrgError("JSON_PARSER_ERROR", f"The header '{name}' can't be specified in a subrequest")


def too_many_chunks() -> OrgError:
    text = "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking."
    return OrgError("LIMIT_EXCEEDED", text)


def too_many_graph_parts(what: str, limit: int) -> OrgError:
    return OrgError("LIMIT_EXCEEDED", f"The request can’t contain more than {limit} {what}.")


def too_many_graph_kinds() -> OrgError:
    return OrgError("PROCESSING_HALTED", "Limit of number of types of operations in a Graph call reached.")


def graph_too_deep(limit: int) -> OrgError:
    return OrgError("PROCESSING_HALTED", f"Limit of depth of a Graph reached: {limit}.")


def graph_not_processed(limit: int) -> OrgError:
    text = f"Processing was halted since more than the allowed number of graphs failed: {limit}."
    return OrgError("PROCESSING_HALTED", text)


def batch_halted() -> OrgError:
    return OrgError("BATCH_PROCESSING_HALTED", "Batch processing halted as requested", status=412)
