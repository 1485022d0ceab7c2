"""SOQL in pieces: literals that cannot break out, the keyset, IN lists cut by length.

Nothing here talks to the org. Every literal goes through ``quote``, ``instant`` or ``in_lists``; no other module
puts a value into a query. Source: wire reference 9.2 (reserved characters, instant literals), 1 (URI length).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from urllib.parse import quote as percent

from sfsync.sides.salesforce.ids import to15

URL_CHARS = 14_000  # of the 16,384 bytes Salesforce allows for a URI; the rest is for the host and the path
_ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", '"': '\\"'}
)


def quote(value: str) -> str:
    """A text literal; the two reserved characters and control characters are escaped."""
    return "'" + value.translate(_ESCAPES) + "'"


def instant(value: datetime | str) -> str:
    """A datetime literal in UTC, whole seconds (Salesforce stamps have no finer part)."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def all_of(clauses: Iterable[str]) -> str:
    """Clauses joined by AND; each one that is not empty stands in parentheses, so AND and OR never mix."""
    return " AND ".join(f"({c})" for c in clauses if c)


def after(stamp: datetime | str, record_id: str) -> str:
    """Rows that come later than this one in (SystemModstamp, Id)."""
    at = instant(stamp)
    return f"(SystemModstamp = {at} AND Id > {quote(record_id)}) OR SystemModstamp > {at}"


def up_to(stamp: datetime | str, record_id: str) -> str:
    """Rows that come no later than this one in (SystemModstamp, Id)."""
    at = instant(stamp)
    return f"SystemModstamp < {at} OR (SystemModstamp = {at} AND Id <= {quote(record_id)})"


def ranges(bounds: Sequence[tuple[str, str]], rows: int) -> list[str]:
    """Conditions that tile the whole line of (SystemModstamp, Id) into pieces of about ``rows`` rows.

    ``bounds`` are sorted (stamp, id) pairs known to lie in the window. The first piece is open below and the last
    one above, so whatever the hint missed still falls into exactly one of them.
    """
    edges = list(bounds[rows - 1 : len(bounds) - 1 : rows])
    lower = ["", *(after(*e) for e in edges)]
    upper = [*(up_to(*e) for e in edges), ""]
    return [all_of(pair) for pair in zip(lower, upper, strict=True)]


def select(fields: Iterable[str], source: str, where: str = "", order: str = "") -> str:
    """A query; repeated fields (in any case) are named once, because Salesforce refuses them twice."""
    named: dict[str, str] = {}
    for field in fields:
        named.setdefault(field.lower(), field)
    text = f"SELECT {','.join(named.values())} FROM {source}"  # noqa: S608 - names from the mapping, values quoted
    text += f" WHERE {where}" if where else ""
    return text + (f" ORDER BY {order}" if order else "")


def encoded(soql: str) -> str:
    """The query as it stands in a URL."""
    return percent(soql, safe="',()=<>*.:")


def id_lists(ids: Iterable[str], room: int, most: int = 2_000) -> Iterator[str]:
    """``Id IN (...)`` conditions as ``in_lists`` makes them, of the ids' short form: a sixth more fit into a URL."""
    return in_lists("Id", map(to15, ids), room, most)


def in_lists(field: str, values: Iterable[str], room: int, most: int = 2_000) -> Iterator[str]:
    """``field IN (...)`` conditions that hold all values, each at most ``room`` characters long once encoded."""
    start = f"{field} IN ("
    items: list[str] = []
    used = len(encoded(start)) + 1
    for value in values:
        item = quote(value)
        size = (len(item) if value.isalnum() and value.isascii() else len(encoded(item))) + 1
        if items and (used + size > room or len(items) == most):
            yield start + ",".join(items) + ")"
            items, used = [], len(encoded(start)) + 1
        items.append(item)
        used += size
    if items:
        yield start + ",".join(items) + ")"
