"""How an all-or-none call leaves the org's transaction without its work being kept."""

from __future__ import annotations


class Undo(Exception):
    """Leaves a transaction so that it is rolled back; caught right outside of it, never seen by a caller."""


def undo_unless(all_good: bool) -> None:
    """Raises Undo when something in an all-or-none call went wrong."""
    if not all_good:
        raise Undo
