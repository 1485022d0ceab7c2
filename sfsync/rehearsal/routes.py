"""The route table: method and path pattern to handler. The edge, composite, batch and coverage all read it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply

if TYPE_CHECKING:
    from sfsync.rehearsal.context import Context

COMPOSITE, BATCH = "composite", "batch"
BOTH = frozenset({COMPOSITE, BATCH})
ONLY_COMPOSITE = frozenset({COMPOSITE})
JSON_BODY = frozenset({"application/json"})
ROW_BODY = frozenset({"application/json", "application/xml"})

Handler = Callable[["Context", Call], Reply]
DATA = "/services/data/v{version}"
# The order in which the vendor lists methods in a 405 ("Allowed are HEAD,GET").
_ORDER = ("HEAD", "GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Route:
    """One thing the org answers.

    ``kind`` names it in the statistics. ``counted`` calls use the daily limit; ``open`` ones need no token.
    ``within`` says in which composite resources it may be a subrequest; ``heavy`` ones (query, collections)
    are limited to five there. ``takes``: media types of a request body; a row may come as XML too.
    """

    method: str
    pattern: str
    kind: str
    handler: Handler
    counted: bool = True
    open: bool = False
    within: frozenset[str] = frozenset()
    heavy: bool = False
    takes: frozenset[str] = JSON_BODY


@dataclass
class _Path:
    regex: re.Pattern[str]
    pattern: str
    methods: dict[str, Route] = field(default_factory=dict)


def _compile(pattern: str) -> re.Pattern[str]:
    text = re.sub(r"\{version\}", r"(?P<version>\\d{1,3}\\.\\d)", pattern)
    text = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+?)", text)
    text = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text)
    # Bulk results are asked for as unprocessedrecords and unprocessedRecords; both are served.
    return re.compile(text + "/?", re.IGNORECASE if "/jobs/" in pattern else 0)


def _shelf(path: str) -> str:
    """Where a path is looked for: below a version by its first word, so that few patterns are tried."""
    parts = path.split("/", 5)
    if path.startswith("/services/data/v") and len(parts) > 4:
        return parts[4].lower()
    return ""


class Table:
    """Routes in the order given; the first path that fits decides, its methods then allow or refuse."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._paths: dict[str, _Path] = {}
        for route in routes:
            path = self._paths.setdefault(route.pattern, _Path(_compile(route.pattern), route.pattern))
            path.methods[route.method] = route
        self._shelves: dict[str, list[_Path]] = {}
        for pattern, path in self._paths.items():
            self._shelves.setdefault(_shelf(pattern), []).append(path)

    def routes(self) -> list[Route]:
        return [route for path in self._paths.values() for route in path.methods.values()]

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        """The route and its decoded path parts. OrgError NOT_FOUND or METHOD_NOT_ALLOWED.

        A doubled slash at the start does no harm (wire reference 13).
        """
        path = "/" + path.lstrip("/")
        for candidate in self._shelves.get(_shelf(path), ()):
            match = candidate.regex.fullmatch(path)
            if match:
                args = {name: unquote(value) for name, value in match.groupdict().items()}
                return self._method(candidate, method), args
        raise errors.not_found()

    @staticmethod
    def _method(path: _Path, method: str) -> Route:
        route = path.methods.get("GET" if method == "HEAD" else method)
        if route is None:
            known = set(path.methods) | ({"HEAD"} if "GET" in path.methods else set())
            raise errors.method_not_allowed(method, [one for one in _ORDER if one in known])
        return route


def data(method: str, path: str, kind: str, handler: Handler, **more: Any) -> Route:
    """A versioned resource below ``/services/data/vNN.0``."""
    return Route(method, DATA + path, kind, handler, **more)


def free(method: str, path: str, kind: str, handler: Handler, *, open_: bool) -> Route:
    """A resource outside the daily limit; ``open_``: without a token."""
    return Route(method, path, kind, handler, counted=False, open=open_)
