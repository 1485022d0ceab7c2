"""A refused login."""

from __future__ import annotations

from sfsync.rehearsal.call import Reply

NO_STORE = {"Cache-Control": "no-store"}


class Denied(Exception):
    """``error`` and ``description`` of the answer, which is always a 400 (wire reference 2.1)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description

    def body(self) -> dict[str, str]:
        return {"error": self.error, "error_description": self.description}

    def reply(self) -> Reply:
        return Reply(400, self.body(), headers=NO_STORE)
