"""The cases of accepted requests, as canonical columns of the mapping of cases (domain model B.4, requests D.2).

The priority a partner asks for is stored; the effective one is the type's, raised by rules and never lowered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping.cells import as_mask, flat
from sfsync.mapping.model import Mapping
from sfsync.planners.requests import books as book
from sfsync.planners.requests.books import Books
from sfsync.planners.requests.catalogue import Catalogue, RequestType, fold
from sfsync.planners.requests.cells import MARK
from sfsync.planners.requests.validate import Judged, Rules
from sfsync.sides import columns

CHANGEABLE = ("description", "ticket_id", "event_date", "amount", "currency", "transaction_ref", "terminal", "operator")
FIELD_OF = {"terminal": "terminal_id", "operator": "operator_code"}  # of a request, by a case's field
_OWN_COLUMN = ("ticket_id", "event_date", "amount", "transaction_ref", "terminal_id", "operator_code", "description")
_LONGEST = {"ticket_id": 40, "transaction_ref": 64}


@dataclass(frozen=True)
class Routed:
    """Of n rows: the type they count as (a route may change it), queue and effective priority, object arrays."""

    types: np.ndarray
    queue: np.ndarray
    priority: np.ndarray


def route(found: Judged, rules: Rules, books: Books) -> Routed:
    """Where each request goes, and how urgent it is."""
    catalogue = rules.catalogue
    types = found.types.copy()
    for one in catalogue.types:
        for rule in one.route:
            if rule.as_:
                types[(found.types == one.code) & _when(rule.when, found, rules, books)] = rule.as_
    routed = Routed(types, np.full(len(found), "", object), np.full(len(found), "", object))
    for one in catalogue.types:
        rows = types == one.code
        if rows.any():
            routed.queue[rows], routed.priority[rows] = one.queue, one.priority
            _by_rules(one, rows, routed, found, rules, books)
    return routed


def _by_rules(one: RequestType, rows: np.ndarray, to: Routed, found: Judged, rules: Rules, books: Books) -> None:
    for rule in one.route:
        hit = rows & _when(rule.when, found, rules, books)
        if rule.queue:
            to.queue[hit] = rule.queue
        if rule.priority:
            _raise(to, hit, rule.priority)
    for up in one.raise_:
        hit = rows & _when(up.when, found, rules, books)
        _raise(to, hit, up.to)


def _raise(to: Routed, rows: np.ndarray, priority: str) -> None:
    """To this priority, where it is higher: P1 comes before P2."""
    to.priority[rows] = [min(p, priority) for p in to.priority[rows]]


def _when(name: str, found: Judged, rules: Rules, books: Books) -> np.ndarray:
    """bool n: rows of which the condition holds."""
    fields = found.fields
    if name == "pvr":
        return as_mask(pc.equal(book.at(books.shops, "shop_kind", found.shop), "pvr"))
    if name == "large_payout":
        least = int(rules.catalogue.intake.large_payout)
        return as_mask(pc.greater_equal(pc.cast(fields["amount"], pa.int64()), least))
    if name == "expired_licence":
        return as_mask(pc.less(fields["expiry"], rules.clock.today.isoformat()))
    if name == "no_working_pos":
        faulty = pc.if_else(pa.array(found.types == "RP-01"), fields["terminal_id"], pa.scalar(None, pa.string()))
        return book.no_working_pos(books, fields["shop_code"], flat(faulty), fields["occurred_at"])
    return np.zeros(len(found), bool)


def requested_priority(found: Judged, rules: Rules) -> pa.Array:
    """P1 to P4 by the profile's words; null for other words."""
    words = {fold(w): p for p, known in rules.profile.priorities.items() for w in known}
    coded = found.fields["priority"].dictionary_encode(null_encoding="encode")
    meant = [None if w is None else words.get(fold(w)) for w in coded.dictionary.to_pylist()]
    return flat(pa.array(meant, pa.string()).take(coded.indices))


def frame(
    mapping: Mapping, found: Judged, routed: Routed, keys: np.ndarray, received: np.ndarray, rules: Rules, books: Books
) -> pd.DataFrame:
    """Canonical values of all rows' cases (n x f, indexed by key); the caller leaves out rows without a case."""
    count, fields = len(found), found.fields
    catalogue = rules.catalogue
    late = found.late
    terminal = book.find(flat(books.terminals["terminal_id"]), fields["terminal_id"])
    own = as_mask(pc.equal(book.at(books.terminals, "shop_code", terminal), fields["shop_code"]))
    closed = pa.array(late)
    at = pa.array(received.tolist(), pa.string())
    nothing = pa.scalar(None, pa.string())
    cells = {
        "tier": _all("PARTNER", count),
        "category": _by_type(routed, catalogue, lambda t: t.type),
        "subcategory": pa.array(routed.types.tolist(), pa.string()),
        "shop": pc.if_else(pa.array(found.shop >= 0), fields["shop_code"], nothing),
        "operator": book.at(books.operators, "operator_code", found.operator),
        "terminal": book.at(books.terminals, "terminal_id", np.where(own, terminal, -1)),
        "channel": _all("import", count),
        "language": _all(rules.profile.language, count),
        "subject": _subject(found, routed, catalogue),
        "description": _description(found, routed, catalogue),
        "ticket_id": _short(fields, "ticket_id"),
        "event_date": fields["event_date"],
        "amount": fields["amount"],
        "currency": pc.if_else(pc.is_valid(fields["amount"]), rules.profile.currency, nothing),
        "transaction_ref": _short(fields, "transaction_ref"),
        "requested_priority": requested_priority(found, rules),
        "priority": pa.array(routed.priority.tolist(), pa.string()),
        "status": pc.if_else(closed, "Closed", "New"),
        "owner": pa.array(routed.queue.tolist(), pa.string()),
        "received_at": at,
        "queue_entered_at": at,
        "resolved_at": pc.if_else(closed, at, nothing),
    }
    arrays = {n: flat(cells.get(n, pa.nulls(count, pa.string()))) for n in mapping.columns}
    return columns.frame(arrays, pd.Index(pd.array(keys.tolist(), dtype="string[pyarrow]"), name="key"))


def _all(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), count)


def _by_type(routed: Routed, catalogue: Catalogue, what: object) -> pa.Array:
    assert callable(what)
    named = {t.code: what(t) for t in catalogue.types}
    return pa.array([named[c] for c in routed.types.tolist()], pa.string())


def _subject(found: Judged, routed: Routed, catalogue: Catalogue) -> pa.Array:
    labels = _by_type(routed, catalogue, lambda t: f"{t.code} {t.label}")
    return pc.binary_join_element_wise(labels, pc.coalesce(found.fields["shop_code"], pa.scalar("-")), " · ")


def _short(fields: dict[str, pa.Array], name: str) -> pa.Array:
    return pc.utf8_slice_codeunits(fields[name], 0, _LONGEST[name])


def _description(found: Judged, routed: Routed, catalogue: Catalogue) -> pa.Array:
    """The partner's text, and below it what he filled in that has no field of its own in a case."""
    text = pc.fill_null(found.fields["description"], "")
    below = pa.repeat(pa.scalar("", pa.string()), len(found))
    for one in catalogue.types:
        rows = routed.types == one.code
        names = [n for n in one.requires if _shown(n, found, catalogue)]
        if not rows.any() or not names:
            continue
        for name in names:
            values = found.fields[name]
            line = pc.binary_join_element_wise(f"{_title(name, catalogue)}: ", values, "")
            wanted = pc.and_(pa.array(rows), pc.is_valid(values))
            below = pc.if_else(wanted, pc.binary_join_element_wise(below, line, "\n"), below)
    return _fitted(text, below, catalogue.intake.description_length)


def _fitted(text: pa.Array, below: pa.Array, most: int) -> pa.Array:
    """Both together; where they are too long, the text is cut with its mark and what stands below it stays."""
    whole = pc.binary_join_element_wise(text, below, "")
    long = as_mask(pc.greater(pc.utf8_length(whole), most))
    if not long.any():
        return whole
    rows = pa.array(long)
    pairs = zip(text.filter(rows).to_pylist(), below.filter(rows).to_pylist(), strict=True)
    cut = [(t.removesuffix(MARK)[: max(0, most - len(b) - len(MARK))] + MARK + b)[:most] for t, b in pairs]
    return pc.replace_with_mask(flat(whole), rows, pa.array(cut, pa.string()))


def _shown(name: str, found: Judged, catalogue: Catalogue) -> bool:
    plain = catalogue.kind_of[name] in ("plain", "whole", "date", "instant", "province", "cap")
    return plain and name in found.given and name not in (*catalogue.base, *_OWN_COLUMN, *catalogue.private)


def _title(name: str, catalogue: Catalogue) -> str:
    words = catalogue.headers[name]
    return (words[0] if words else name).capitalize()
