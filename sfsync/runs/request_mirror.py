"""What Salesforce is told of the records a request is about, once the platform has done its part.

All requests at once: every mapping is read once from each side, whatever the number of requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.plan.model import Changes
from sfsync.planners.requests.life import changes, outbox
from sfsync.planners.requests.life.changes import Draft
from sfsync.planners.requests.life.words import State, Trail, answered
from sfsync.planners.requests.steps import Action, Book
from sfsync.runs.bench import Bench
from sfsync.runs.request_view import Seen
from sfsync.sides.platform import desk
from sfsync.sides.side import TEXT

TRIES = 3  # two requests about one record take turns
TRANSFER = "RP-27"
Tried = Counter[tuple[str, int]]


@dataclass(frozen=True)
class Want:
    """Records of one mapping that a step of a request is about; ``number`` is None for what is taken back."""

    one: Seen
    number: int | None
    mapping: str
    keys: tuple[str, ...]
    fields: tuple[str, ...]


Group = tuple[str, tuple[str, ...]]  # a mapping, and the fields to write (none: all)


def mirror(
    bench: Bench, book: Book, mappings: dict[str, Mapping], draft: Draft, seen: Sequence[Seen], tried: Tried
) -> list[tuple[str, int]]:
    """Adds what Salesforce lacks to the draft; returns the steps of which nothing is lacking: those are done."""
    steps = [(s, n, a) for s in seen for n, a in _due(book, s)]
    back = [(s, None, a) for s in seen for a in _as_before(book, s)]
    companies = _companies(bench, [*back, *steps])
    wants = [w for s, n, a in [*back, *steps] for w in _wants(s, n, a, companies)]
    found = _lacking(bench, mappings, wants)
    lacking = {g: set(c.keys) for g, c in found.items()}
    open_ = {(w.one.key, w.number) for w in wants if lacking.get((w.mapping, w.fields), set()) & set(w.keys)}
    trying = [w for w in wants if w.number is None or tried[w.one.key, w.number] < TRIES]
    for group, changed in found.items():
        keys = {k for w in trying if (w.mapping, w.fields) == group for k in w.keys}
        draft.add(group[0], changed.take(pd.Series(changed.keys).isin(keys).to_numpy(bool)))
    tried.update((s.key, n) for s, n, _ in steps)
    return [(s.key, n) for s, n, _ in steps if (s.key, n) not in open_]


def _due(book: Book, one: Seen) -> Iterator[tuple[int, Action]]:
    """The Salesforce steps whose turn it is."""
    for number in one.standing.next if one.standing.state is State.RUNNING else ():
        side, _, action = book.actions(book.lives[one.request.code])[number]
        if side == "SF" and not action.person:
            yield number, action


def _as_before(book: Book, one: Seen) -> Iterator[Action]:
    """What Salesforce was told is told again, now that the platform has taken it back."""
    if one.standing.state is State.UNDONE and one.row["state"] != State.UNDONE:
        yield from (a for _, _, a in book.actions(book.lives[one.request.code]) if a.mirror)


def _wants(one: Seen, number: int | None, action: Action, companies: dict[str, str]) -> Iterator[Want]:
    if action.count_faults:
        yield Want(one, number, outbox.FAULTS, (one.request.terminal,), ())
    elif not renamed(one):
        keys = tuple(k for k in whose(one, action) if k)
        if action.mirror == "shop" and action.answer:
            yield Want(one, number, "company", tuple(companies[k] for k in keys if k in companies), ())
        yield Want(one, number, action.mirror, keys, action.fields)


def _companies(bench: Bench, steps: Sequence[tuple[Seen, int | None, Action]]) -> dict[str, str]:
    """The companies of shops the platform has made, by shop code."""
    made = [k for s, _, a in steps if a.mirror == "shop" and a.answer for k in whose(s, a)]
    return {c: str(s["company_code"]) for c, s in desk.shops(bench.platform.query, made).items()} if made else {}


def _lacking(bench: Bench, mappings: dict[str, Mapping], wants: Sequence[Want]) -> dict[Group, Changes]:
    """What Salesforce lacks, by group; each mapping is fetched once from each side."""
    found: dict[Group, Changes] = {}
    for name in dict.fromkeys(w.mapping for w in wants):
        mine, mapping = [w for w in wants if w.mapping == name], mappings[name]
        keys = index_of(k for w in mine for k in w.keys)
        if not len(keys):
            continue
        there = bench.salesforce.fetch(mapping, keys)
        if name == outbox.FAULTS:
            faults = {w.one.request.terminal: w.one.facts.faults for w in mine if w.one.request.terminal}
            found[name, ()] = changes.counted(mapping, faults, there)
            continue
        here = bench.platform.fetch(mapping, keys)
        for fields in dict.fromkeys(w.fields for w in mine):
            some = index_of(k for w in mine if w.fields == fields for k in w.keys)
            found[name, fields] = changes.mirrored(mapping, some, fields, here, there)
    return found


def renamed(one: Seen) -> bool:
    """A change of hands must leave the old shop its company: a new name of the old shop is not what was asked."""
    if one.request.code != TRANSFER or not one.trail.plan_hash:
        return False
    same = any(a.get("shop_code") == one.request.shop for a in answers(one.trail))
    return same or one.facts.shop.get("vat_number") == one.request.fields.get("new_vat")


def whose(one: Seen, action: Action) -> list[str]:
    """The keys of the records a Salesforce step is about."""
    if action.of == "answer":
        return [str(a[action.answer]) for a in answers(one.trail) if a.get(action.answer)]
    named = one.request.fields.get("operator_code") or one.request.operator
    found = {
        "shop": [one.request.shop],
        "company": [str(one.facts.company.get("company_code") or "")],
        "operator": [named],
        "operators": list(one.facts.operators),
        "terminal": [one.request.terminal],
        "terminals": list(one.facts.terminals),
    }
    return found[str(action.of)]


def answers(trail: Trail) -> list[dict[str, Any]]:
    """What the platform answered, where it answered with an object."""
    return [told for s in trail.sent if (told := answered(s.answer))]


def index_of(keys: Iterable[str]) -> pd.Index:
    """These keys once each, sorted, without empty ones."""
    return pd.Index(sorted({k for k in keys if k}), dtype=TEXT, name="key")
