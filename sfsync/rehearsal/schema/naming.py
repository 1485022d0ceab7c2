"""What custom objects and fields may be called (Metadata API guide, Metadata; object and field names)."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*__c")
_MOST = 40  # characters, the ending not counted
_RULE = (
    " can only contain underscores and alphanumeric characters. It must be unique, begin with"
    " a letter, not include spaces, not end with an underscore, and not contain two consecutive underscores."
)


def problem(what: str, name: str) -> str | None:
    """What is wrong with a custom name; ``what`` as the vendor calls it: Custom Field API Name, Object Name field."""
    if not _NAME.fullmatch(name):
        return f"The {what}{_RULE}"
    if len(name.removesuffix("__c")) > _MOST:
        return f"The {what} cannot exceed {_MOST} characters"
    return None
