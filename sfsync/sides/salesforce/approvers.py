"""Who may approve, as the org says: members of a permission set or a queue, holders of a role, owners of accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sfsync.sides.salesforce.soql import URL_CHARS, all_of, in_lists, quote, select

Query = Callable[[str], list[dict[str, Any]]]


def of_permission_set(query: Query, name: str) -> set[str]:
    """Active users with this permission set (lower-case usernames, as all of this module)."""
    where = all_of([f"PermissionSet.Name = {quote(name)}", "Assignee.IsActive = TRUE"])
    rows = query(select(["Assignee.Username"], "PermissionSetAssignment", where))
    return {r["Assignee"]["Username"].lower() for r in rows if r["Assignee"]}


def of_queue(query: Query, name: str) -> set[str]:
    """Active users who are members of this queue themselves."""
    rows = query(select(["UserOrGroupId"], "GroupMember", f"Group.DeveloperName = {quote(name)}"))
    return _users(query, [r["UserOrGroupId"] for r in rows])


def of_role(query: Query, name: str) -> set[str]:
    """Active users in this role."""
    where = all_of([f"UserRole.DeveloperName = {quote(name)}", "IsActive = TRUE"])
    return {r["Username"].lower() for r in query(select(["Username"], "User", where))}


def owner_of_shop(query: Query, shop: str) -> set[str]:
    """The active owner of a shop's account."""
    rows = query(select(["OwnerId"], "Account", f"SFS_Shop_Code__c = {quote(shop)}"))
    return _users(query, [r["OwnerId"] for r in rows])


def shops_of_owner(query: Query, username: str) -> set[str]:
    """Shop codes of the accounts this user owns."""
    where = all_of([f"Owner.Username = {quote(username)}", "SFS_Shop_Code__c != NULL"])
    return {r["SFS_Shop_Code__c"] for r in query(select(["SFS_Shop_Code__c"], "Account", where))}


def active(query: Query, username: str) -> bool:
    """True if an active user has this name."""
    where = all_of([f"Username = {quote(username)}", "IsActive = TRUE"])
    return bool(query(select(["Id"], "User", where)))


def active_of(query: Query, ids: Sequence[str]) -> set[str]:
    """Of these ids those of active users."""
    users = sorted({i for i in ids if i.startswith("005")})
    clauses = in_lists("Id", users, URL_CHARS - 200) if users else []
    asks = [select(["Id"], "User", all_of([c, "IsActive = TRUE"])) for c in clauses]
    return {str(r["Id"]) for ask in asks for r in query(ask)}


def _users(query: Query, ids: Sequence[str]) -> set[str]:
    users = [i for i in dict.fromkeys(ids) if i.startswith("005")]
    clauses = in_lists("Id", users, URL_CHARS - 200)
    asks = [select(["Username"], "User", all_of([c, "IsActive = TRUE"])) for c in clauses]
    return {r["Username"].lower() for ask in asks for r in query(ask)}
