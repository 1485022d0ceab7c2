"""The shape of every error the org answers.

An ``OrgError`` is a record: code, message, the fields it is about, the HTTP status of a single-record call.
The three shapes in which Salesforce shows an error (REST body, item of a result, Bulk ``sf__Error``) are methods.
Source of the texts: wire reference sections 1, 2.3, 6, 7, 9.1, 11.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_CODE_FIRST = frozenset(
    {"NOT_FOUND", "INVALIDJOBSTATE", "INVALIDENTITY", "API_ERROR", "EXCEEDEDQUOTA", "PROCESSING_HALTED"}
)


class OrgError(Exception):
    """What Salesforce answers instead of doing it.

    ``fields`` is None for errors without a ``fields`` key (query, parser, session, limits) and a list, maybe
    empty, for errors of a save. ``status`` is the HTTP status of a single-record call. For MULTIPLE_CHOICES
    (status 300) ``fields`` holds the ids of the rows found. ``extra`` are further keys of the REST body; they stand
    first, and there is no ``fields`` then.
    """

    def __init__(
        self,
        code: str,
        message: str,
        fields: Sequence[str] | None = None,
        status: int = 400,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = None if fields is None else list(fields)
        self.status = status
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """The object inside the array of a REST error answer."""
        if self.extra is not None or self.code in _CODE_FIRST:
            return {**(self.extra or {}), "errorCode": self.code, "message": self.message}
        body: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            body["fields"] = list(self.fields)
        return body

    def item(self) -> dict[str, Any]:
        """The object inside ``errors`` of a collections or create result."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or [])}

    def csv(self) -> str:
        """The text of a Bulk ``sf__Error`` column."""
        if not self.fields:
            return f"{self.code}:{self.message}:--"
        return f"{self.code}:{self.message}:{','.join(self.fields)} --"
