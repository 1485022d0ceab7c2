"""What the org answers, what it answers in part, and how it refuses the rest.

Whatever the code can tell (routes, operations, functions, types, objects, limits) is read off the code; what a real
org has and this one has not stands in ``coverage.json``. ``GET /rehearsal/coverage`` and a page of the reference show
both.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from sfsync.rehearsal import faults, limits
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry import oauth
from sfsync.rehearsal.formula.catalogue import catalogue
from sfsync.rehearsal.metadata.kinds import BY_NAME, Kind
from sfsync.rehearsal.routes import Route
from sfsync.rehearsal.schema import field_source, formula_source
from sfsync.rehearsal.schema.build import VALUE_SETS
from sfsync.rehearsal.schema.model import Schema
from sfsync.rehearsal.soap import metadata as metadata_api
from sfsync.rehearsal.soap import partner
from sfsync.rehearsal.soap import table as soap
from sfsync.rehearsal.soql import dates, functions

ANSWERED, PARTLY, REFUSED = "answered", "partly", "refused"
WAYS, REST, COMPOSITE, SOQL = "Ways in", "REST", "Composite", "SOQL and SOSL"
BULK_2, BULK_1 = "Bulk API 2.0", "Bulk API 1.0"
SOAP, METADATA = "SOAP partner API", "Metadata API"
BEHAVIOUR, OBJECTS, LIMITS = "Behaviour", "Objects", "Limits"
FAULTS, CONTROL = "Faults", "Control plane"
SECTIONS = (
    *(WAYS, REST, COMPOSITE, SOQL, BULK_2, BULK_1, SOAP, METADATA),
    *(BEHAVIOUR, OBJECTS, LIMITS, FAULTS, CONTROL),
)
TOLD = "What a real org has"  # the group of what coverage.json says
# The beginning of a route's kind -> its section; the first that fits.
_BY_KIND = (
    (("oauth", "versions"), WAYS),
    (("composite", "collections"), COMPOSITE),
    (("query", "search", "parameterized"), SOQL),
    (("bulk1",), BULK_1),
    (("bulk",), BULK_2),
    (("soap",), SOAP),
    (("metadata",), METADATA),
    (("control",), CONTROL),
)
# Letters of an object's calls, in words.
_CALLS = (
    *(("C", "create"), ("U", "update"), ("D", "delete"), ("N", "undelete"), ("M", "merge")),
    *(("Q", "query"), ("R", "retrieve"), ("S", "search")),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing a real org has.

    ``status`` and ``code`` say how it is refused, ``note`` what differs or what it is for; ``try_`` is a call, a query
    or a search that shows the refusal. ``group`` gathers entries of one sort within a section.
    """

    what: str
    state: str = ANSWERED
    group: str = TOLD
    status: int | None = None
    code: str = ""
    note: str = ""
    try_: str = ""

    def shown(self) -> dict[str, Any]:
        """As JSON, without what is empty."""
        return {name.rstrip("_"): value for name, value in asdict(self).items() if value not in (None, "")}


def sections(routes: Iterable[Route], schema: Schema) -> dict[str, list[Entry]]:
    """Section -> its entries: what the code tells, then what we tell."""
    told = _told()
    found: dict[str, list[Entry]] = {name: [] for name in SECTIONS}
    for section, entry in [*_of_routes(routes), *_of_code(), *_of_schema(schema)]:
        found[section].append(entry)
    for section, entries in told.items():
        found[section] += entries
    return found


def coverage(context: Context, call: Call) -> Reply:
    """What is answered, in whole or in part, and what is not, in short; then sections with every entry's how."""
    found = sections(context.table.routes(), context.org.schema)
    names = [(f"{name}: {one.what}", one.state == REFUSED) for name, entries in found.items() for one in entries]
    shown = [{"name": name, "entries": [one.shown() for one in entries]} for name, entries in found.items()]
    body = {
        "answered": [name for name, refused in names if not refused],
        "not_answered": [name for name, refused in names if refused],
        "sections": shown,
    }
    return Reply(200, body)


# -- read off the code ------------------------------------------------------------------------------------


def _of_routes(routes: Iterable[Route]) -> Iterator[tuple[str, Entry]]:
    for one in routes:
        note = _says(one) if one.kind == "control" else ""
        yield _section(one), Entry(f"{one.method} {one.pattern}", group="Calls", note=note)


def _section(route: Route) -> str:
    return next((name for starts, name in _BY_KIND if route.kind.startswith(starts)), REST)


def _says(route: Route) -> str:
    """What a handler says about itself, on one line."""
    return " ".join((inspect.getdoc(route.handler) or "").split())


def _named(section: str, group: str, names: Iterable[str]) -> Iterator[tuple[str, Entry]]:
    for one in names:
        yield section, Entry(one, group=group)


def _of_code() -> Iterator[tuple[str, Entry]]:
    yield from _named(WAYS, "OAuth flows", oauth.GRANTS)
    yield from _named(SOQL, "Functions", functions.names())
    yield from _named(SOQL, "Date literals", dates.names())
    yield from _operations()
    yield from _named(METADATA, "Operations", metadata_api.OPERATIONS)
    yield from ((METADATA, _kind(one)) for one in BY_NAME.values())
    yield from _named(METADATA, "Standard value sets", VALUE_SETS)
    yield from _named(METADATA, "Field types", field_source.TYPES)
    yield from _named(METADATA, "Types of formula fields", formula_source.TYPES)
    yield from _named(METADATA, "Formula functions", sorted(catalogue()))
    yield from _named(LIMITS, "Names", sorted(limits.defaults()["limits"]))
    for kind, what in faults.KINDS.items():
        yield FAULTS, Entry(kind, group="Kinds", note=what)


def _operations() -> Iterator[tuple[str, Entry]]:
    for name in (*soap.ENTRY, *partner.OPERATIONS):
        if name in partner.NOT_HERE:
            yield SOAP, Entry(name, REFUSED, "Operations", 500, "FUNCTIONALITY_NOT_ENABLED", "a fault")
        else:
            yield SOAP, Entry(name, group="Operations")


def _kind(one: Kind) -> Entry:
    if one.effect:
        return Entry(one.name, group="Types")
    return Entry(one.name, PARTLY, "Types", note="kept and given back, without effect; its deploy carries a warning")


def _of_schema(schema: Schema) -> Iterator[tuple[str, Entry]]:
    for obj in sorted(schema.objects.values(), key=lambda one: one.name):
        calls = ", ".join(word for letter, word in _CALLS if letter in obj.calls)
        yield OBJECTS, Entry(obj.name, group="What can be done", note=calls or "describe only")


# -- told -------------------------------------------------------------------------------------------------


def _told() -> dict[str, list[Entry]]:
    stored = json.loads((files("sfsync.rehearsal") / "coverage.json").read_text("utf-8"))
    return {section: [_entry(one) for one in entries] for section, entries in stored.items()}


def _entry(one: dict[str, Any]) -> Entry:
    return Entry(try_=one.get("try", ""), **{name: value for name, value in one.items() if name != "try"})
