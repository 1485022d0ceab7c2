"""Queries over REST: one page, all pages, and up to five queries in one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sfsync.sides.salesforce.session import Session
from sfsync.sides.salesforce.soql import encoded

TOGETHER = 5  # queries in one composite call


@dataclass(frozen=True)
class Page:
    """One page: its rows, the size of the whole result, whether it ends here, and where the next page is."""

    rows: list[dict[str, Any]]
    total: int
    done: bool
    more: str = ""


class Queries:
    """``query`` (live records) or, with ``deleted``, ``queryAll``.

    ``closing`` marks reads that settle what was written: they may use the budget's reserve.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def page(self, soql: str, *, deleted: bool = False, closing: bool = False) -> Page:
        """The first page."""
        return _page(self._session.call("GET", self._path(soql, deleted), closing=closing).data)

    def pages(self, soql: str, *, deleted: bool = False) -> Iterator[Page]:
        """All pages, by locator."""
        yield from self._from(self.page(soql, deleted=deleted))

    def rows(self, soql: str, *, deleted: bool = False) -> list[dict[str, Any]]:
        """All rows of a small result."""
        return [row for page in self.pages(soql, deleted=deleted) for row in page.rows]

    def first_pages(self, soqls: Sequence[str], *, deleted: bool = False, closing: bool = False) -> list[Page]:
        """The first page of each query, five queries to an API call; one query alone is a plain call."""
        if len(soqls) == 1:
            return [self.page(soqls[0], deleted=deleted, closing=closing)]
        found: list[Page] = []
        for start in range(0, len(soqls), TOGETHER):
            found += self._together(soqls[start : start + TOGETHER], deleted, closing)
        return found

    def all_pages(self, soqls: Sequence[str], *, closing: bool = False) -> Iterator[Page]:
        """All pages of all queries."""
        for first in self.first_pages(soqls, closing=closing):
            yield from self._from(first, closing=closing)

    def _together(self, soqls: Sequence[str], deleted: bool, closing: bool) -> list[Page]:
        parts = [
            {"method": "GET", "url": self._session.data_path + self._path(q, deleted), "referenceId": f"query{n}"}
            for n, q in enumerate(soqls)
        ]
        answer = self._session.call("POST", "composite", json_body={"compositeRequest": parts}, closing=closing)
        bodies = answer.data["compositeResponse"]
        # A part that failed is asked alone: there the retries and the error's class are handled.
        return [
            _page(b["body"]) if b["httpStatusCode"] == 200 else self.page(q, deleted=deleted, closing=closing)
            for q, b in zip(soqls, bodies, strict=True)
        ]

    def _from(self, page: Page, *, closing: bool = False) -> Iterator[Page]:
        yield page
        while not page.done:
            page = _page(self._session.call("GET", page.more, closing=closing).data)
            yield page

    @staticmethod
    def _path(soql: str, deleted: bool) -> str:
        return f"{'queryAll' if deleted else 'query'}?q={encoded(soql)}"


def _page(data: dict[str, Any]) -> Page:
    return Page(data["records"], data["totalSize"], data["done"], data.get("nextRecordsUrl", ""))
