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

Handler = Callable[["Context", Call], Reply]
DATA = "/services/data/v{version}"
# The order in which the vendor lists methods in a 405 ("Allowed are HEAD,GET").
_ORDER = ("HEAD", "GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Route:
    """One thing the org answers.

    ``kind`` names it in the statistics. ``counted`` calls use the daily limit; ``open`` ones need no token.
    ``within`` says in which composite resources it may be a subrequest; ``heavy`` ones (query, collections)
    are limited to five there.
    """

    method: str
    pattern: str
    kind: str
    handler: Handler
    counted: bool = True
    open: bool = False
    within: frozenset[str] = frozenset()
    heavy: bool = False


@dataclass
class _Path:
    regex: re.Pattern[str]
    pattern: str
    methods: dict[str, Route] = field(default_factory=dict)


def _compile(pattern: str) -> re.Pattern[str]:
    text = re.sub(r"\{version\}", r"(?P<version>\\d{1,3}\\.\\d)", pattern)
    text = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text)
    # Bulk results are asked for as unprocessedrecords and unprocessedRecords; both are served.
    return re.compile(text + "/?", re.IGNORECASE if "/jobs/" in pattern else 0)


class Table:
    """Routes in the order given; the first path that fits decides, its methods then allow or refuse."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._paths: dict[str, _Path] = {}
        for route in routes:
            path = self._paths.setdefault(route.pattern, _Path(_compile(route.pattern), route.pattern))
            path.methods[route.method] = route

    def routes(self) -> list[Route]:
        return [route for path in self._paths.values() for route in path.methods.values()]

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        """The route and its decoded path parts. OrgError NOT_FOUND or METHOD_NOT_ALLOWED."""
        for candidate in self._paths.values():
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
