"""Errors of queries, with row, column and caret."""

from __future__ import annotations

from sfsync.rehearsal.errors.base import OrgError

_REFERENCE_HINT = " Please reference your WSDL or the describe call for the appropriate names."


def query_too_complicated() -> OrgError:
    text = "Query is either selecting too many fields or the filter conditions are too complicated."
    return OrgError("QUERY_TOO_COMPLICATED", text)


def malformed_query(message: str) -> OrgError:
    return OrgError("MALFORMED_QUERY", message)


def unexpected_token(token: str) -> OrgError:
    return malformed_query(f"unexpected token: '{token}'")


def unexpected_token_at(query: str, position: int, token: str) -> OrgError:
    """At the very first word the text stands alone; later words get snippet and caret (recorded both ways)."""
    if position == 0:
        return unexpected_token(token)
    return at_position("MALFORMED_QUERY", query, position, f"unexpected token: '{token}'")


def bind_variable() -> OrgError:
    return malformed_query("Bind variables only allowed in Apex code")


def string_too_long(limit: int = 4000) -> OrgError:
    return malformed_query(f"SOQL string literals can not be longer than {limit} characters")


def apex_only(word: str, version: float) -> OrgError:
    """WITH SECURITY_ENFORCED and its like; the text changed with version 61."""
    if version < 61:
        return malformed_query(f"{word} not allowed in this context")
    rule = "{this.helper.allowApexSyntax() && this.helper.hasApexContext()}?"
    return malformed_query(f"rule soqlWithIdentifierClause failed predicate: {rule}")


def no_data_categories(entity: str) -> OrgError:
    return malformed_query(f"Entity '{entity}' does not support data categories")


def invalid_scope(scope: str, entity: str) -> OrgError:
    return OrgError("INVALID_QUERY_SCOPE", f"Scope '{scope}' is not supported for {entity}")


def duplicate_field(path: str) -> OrgError:
    return OrgError("INVALID_FIELD", f"duplicate field selected: {path}")


def needs_filter(entity: str, fields: tuple[str, ...]) -> OrgError:
    """Objects that are only shown from one of their ends, such as ContentDocumentLink."""
    named = " or ".join(fields)
    return malformed_query(
        f"Implementation restriction: {entity} requires a filter by a single Id on {named} "
        "using the equals operator or multiple Id's using the IN operator."
    )


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


def too_many_levels(most: int) -> str:
    return f"SOQL statements cannot follow more than {most} levels of relationships from child to parent."


def too_deep(most: int) -> str:
    away = "1 level" if most == 1 else f"{most} levels"
    return f"SOQL statements cannot query aggregate relationships more than {away} away from the root entity object."


def another_driving_object(driving: str) -> OrgError:
    return malformed_query(
        "A driving SObject type has already been set, all other entity types in the FROM clause must be relationships "
        f"to the initial object.  The driving object is {driving}"
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
