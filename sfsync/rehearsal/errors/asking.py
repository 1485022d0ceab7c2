"""Errors of queries, with row, column and caret."""

from __future__ import annotations

from sfsync.rehearsal.errors.base import OrgError

_REFERENCE_HINT = " Please reference your WSDL or the describe call for the appropriate names."


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
