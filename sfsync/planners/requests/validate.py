"""All codes of all rows at once: fields by their kinds, shops and people by joins, each type by the catalogue."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping.cells import Cells, as_mask, flat
from sfsync.planners.requests import books as book
from sfsync.planners.requests import cells, footers, rowchecks
from sfsync.planners.requests.books import Books
from sfsync.planners.requests.catalogue import Catalogue, Profile, RequestType, fold
from sfsync.planners.requests.moments import NO_TIME, Clock
from sfsync.planners.requests.rowmarks import SKIPPED, Marks
from sfsync.planners.requests.sheet import Sheet

OUT_OF_TERM = "out_of_term"  # as a case's outcome code and as what is said of its row
_DROPPED = ("phone", "email")  # kinds whose cells are dropped, not refused


@dataclass
class Judged:
    """n rows read and judged.

    fields    canonical values by field (text, null where there is none); a field the file has no column for is null
    given     fields the file has a column for
    types     RP code of each row (text)
    marks     what is said of each row
    skipped   bool n: no request (blank, total or header line)
    shop      place of each row's shop in the books, -1 for none; ``operator`` likewise
    late      bool n: asked after its term; the case is closed at once
    missing   fields each row still needs (for M-NEED), comma-joined, null for none
    """

    fields: dict[str, pa.Array]
    given: frozenset[str]
    types: np.ndarray
    marks: Marks
    skipped: np.ndarray
    shop: np.ndarray
    operator: np.ndarray
    late: np.ndarray
    raw: dict[str, np.ndarray] = field(default_factory=dict)  # bool n: something stood in the cell
    lacking: dict[str, np.ndarray] = field(default_factory=dict)
    no_time: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.marks.rows

    def outcomes(self) -> np.ndarray:
        """One outcome per row."""
        found = self.marks.outcomes()
        found[self.skipped] = SKIPPED
        return found

    def missing(self, rows: np.ndarray | None = None) -> list[list[str]]:
        """The fields each of these rows (int64; default: all) still needs."""
        rows = np.arange(len(self)) if rows is None else rows
        made: list[list[str]] = [[] for _ in range(len(rows))]
        for name, lacking in self.lacking.items():
            for place in np.flatnonzero(lacking[rows]).tolist():
                made[place].append(name)
        return made


@dataclass(frozen=True)
class Rules:
    """What rows are judged by: catalogue, profile, the instant of receipt."""

    catalogue: Catalogue
    profile: Profile
    clock: Clock

    @property
    def received(self) -> datetime:
        """T0: the receipt of the file."""
        return self.clock.now


def judge(sheet: Sheet, rules: Rules, books: Books) -> Judged:
    """Every row with its canonical fields and all its codes. Pure."""
    found = _read(sheet, rules)
    _classify(found, rules)
    _locate(found, rules, books)
    _require(found, rules)
    _times(found, rules)
    for one in rules.catalogue.types:
        rows = found.types == one.code
        if rows.any():
            _of_type(found, rules, books, one, rows)
    found.marks.only("E-COLS", sheet.surplus & ~found.skipped)
    found.marks.add(OUT_OF_TERM, found.late & ~found.marks.stopped())
    _footers(found)
    return found


# -- cells --------------------------------------------------------------------------------------------------------


def _read(sheet: Sheet, rules: Rules) -> Judged:
    count = len(sheet)
    raw, marks = _columns(sheet, rules.catalogue, Marks(count))
    nothing = pa.nulls(count, pa.string())
    skipped = footers.no_request(sheet, raw, rules.catalogue, rules.profile)
    found = Judged({}, frozenset(raw), np.full(count, "", object), marks, skipped, *_nowhere(count))
    steps = cells.steps(rules.clock, rules.catalogue.intake.description_length)
    for name, kind in rules.catalogue.kind_of.items():
        values = raw.get(name, nothing)
        found.raw[name] = as_mask(pc.is_valid(values))
        if name in ("request_type", "priority") or not found.raw[name].any():
            found.fields[name] = values
            continue
        read = steps[kind](values)
        found.fields[name] = read.values
        marks.take(read)
        found.no_time[name] = _rows_of(read, ("W-NOTIME", NO_TIME), count)
        if kind == "instant" and name != "occurred_at":
            marks.drop("W-NOTIME", found.no_time[name] & ~found.no_time.get("occurred_at", np.zeros(count, bool)))
    return found


def _nowhere(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.full(count, -1, np.int64), np.full(count, -1, np.int64), np.zeros(count, bool)


def _rows_of(read: Cells, codes: tuple[str, ...], count: int) -> np.ndarray:
    rows = np.zeros(count, bool)
    for code, mask in read.faults:
        if code in codes:
            rows |= mask
    return rows


def _columns(sheet: Sheet, catalogue: Catalogue, marks: Marks) -> tuple[dict[str, pa.Array], Marks]:
    """The file's columns by field; of two columns of one field the first that has a value counts."""
    found: dict[str, pa.Array] = {}
    for number, title in enumerate(sheet.header):
        name = catalogue.columns.get(fold(title))
        if name is None:
            continue
        read = cells.repaired(sheet.column(number))
        marks.take(read)
        found[name] = flat(pc.coalesce(found[name], read.values)) if name in found else read.values
    return found, marks


def _footers(found: Judged) -> None:
    """What is no request has this code and no other."""
    found.marks.only("W-FOOTER", found.skipped)


# -- type, shop, people -------------------------------------------------------------------------------------------


def _classify(found: Judged, rules: Rules) -> None:
    """The type each row asks for; a text nobody knows is the fallback, with W-TYPE."""
    catalogue = rules.catalogue
    coded = found.fields["request_type"].dictionary_encode(null_encoding="encode")
    known = [None if w is None else catalogue.words.get(fold(w)) for w in coded.dictionary.to_pylist()]
    types = pa.array(known, pa.string()).take(coded.indices)
    strange = as_mask(pc.is_null(types)) & found.raw["request_type"] & ~found.skipped
    found.types = np.array(pc.fill_null(types, catalogue.fallback.code).to_pylist(), object)
    found.marks.add("W-TYPE", strange)


def _locate(found: Judged, rules: Rules, books: Books) -> None:
    codes = found.fields["shop_code"]
    shops = book.shops(books, codes)
    found.shop = shops.places
    own = book.at(books.shops, "shop_code", shops.places)
    found.fields["shop_code"] = flat(pc.coalesce(own, codes))
    asked = as_mask(pc.is_valid(codes))
    found.marks.add("E-TERMINAL-SHOP", rowchecks.of_other_shop(found, books))
    found.marks.add("W-PAD", shops.padded)
    found.marks.add("E-SHOP-AMBIG", shops.several)
    found.marks.add("E-SHOP-UNKNOWN", asked & (shops.places < 0) & ~shops.several & ~_free(found, rules))
    states = pa.array(rules.catalogue.intake.shop_states)
    open_ = as_mask(pc.is_in(book.at(books.shops, "state", shops.places), value_set=states))
    found.marks.add("E-SHOP-STATE", (shops.places >= 0) & ~open_ & ~_free(found, rules))
    _asker(found, rules, books)


def _free(found: Judged, rules: Rules) -> np.ndarray:
    """bool n: requests that may come without a shop."""
    return np.isin(found.types.astype(str), [t.code for t in rules.catalogue.types if t.without_shop])


def _asker(found: Judged, rules: Rules, books: Books) -> None:
    """Who asks: an active operator of that shop, and for some types its owner."""
    targeted = np.isin(found.types.astype(str), [t.code for t in rules.catalogue.types if t.target == "operator_code"])
    both = pc.if_else(pa.array(targeted), pa.scalar(None, pa.string()), found.fields["operator_code"])
    code = flat(pc.coalesce(found.fields["requested_by"], both))
    found.operator = book.operators(
        books, found.fields["shop_code"], code, found.fields["email"], found.fields["phone"]
    )
    named = as_mask(pc.is_valid(code))
    theirs = as_mask(pc.equal(book.at(books.operators, "shop_code", found.operator), found.fields["shop_code"]))
    active = as_mask(pc.equal(book.at(books.operators, "status", found.operator), "active"))
    owner = as_mask(pc.equal(book.at(books.operators, "role", found.operator), "owner"))
    needs = _of_owners(found, rules)
    here = found.shop >= 0
    found.marks.add("E-ROLE", named & here & (~theirs | ~active | (needs & ~owner)))
    found.operator = np.where(theirs & active, found.operator, -1)
    target = book.find(flat(books.operators["operator_code"]), found.fields["operator_code"])
    of_shop = as_mask(pc.equal(book.at(books.operators, "shop_code", target), found.fields["shop_code"]))
    asked = targeted & as_mask(pc.is_valid(found.fields["operator_code"]))
    found.marks.add("E-ROLE", asked & here & ~of_shop)
    found.operator = np.where(asked & of_shop & (found.operator < 0), target, found.operator)


def _of_owners(found: Judged, rules: Rules) -> np.ndarray:
    """bool n: only the owner may ask for it, because of its type or of what a field of it names."""
    needs = np.isin(found.types.astype(str), [t.code for t in rules.catalogue.types if t.owner_only])
    for one in rules.catalogue.types:
        for name, words in one.owner_only_for.items():
            wanted, coded = {fold(w) for w in words}, found.fields[name].dictionary_encode(null_encoding="encode")
            said = np.array([w is not None and fold(w) in wanted for w in coded.dictionary.to_pylist()], bool)
            needs |= (found.types == one.code) & said[coded.indices.to_numpy()]
    return needs


# -- what must be there -------------------------------------------------------------------------------------------


def _require(found: Judged, rules: Rules) -> None:
    catalogue = rules.catalogue
    free = _free(found, rules)
    for name in catalogue.base:
        needed = ~free if name == "shop_code" else np.ones(len(found), bool)
        found.marks.add(f"E-REQ:{name}", needed & ~found.raw[name])
    reached = np.zeros(len(found), bool)
    for name in catalogue.contact:
        dropped = catalogue.kind_of[name] in _DROPPED
        reached |= as_mask(pc.is_valid(found.fields[name])) if dropped else found.raw[name]
    found.marks.add("E-REQ:contact", ~reached)


def _times(found: Judged, rules: Rules) -> None:
    """What has happened cannot lie ahead; only planned dates may."""
    limit = rules.received + timedelta(minutes=rules.catalogue.intake.future_minutes)
    latest = {"instant": limit.strftime("%Y-%m-%dT%H:%M:%SZ"), "date": rules.clock.today.isoformat()}
    for name, kind in rules.catalogue.kind_of.items():
        if kind in latest and name not in rules.catalogue.planned and found.raw[name].any():
            found.marks.add("E-TIME-FUTURE", as_mask(pc.greater(found.fields[name], latest[kind])))


def _of_type(found: Judged, rules: Rules, books: Books, one: RequestType, rows: np.ndarray) -> None:
    _stand_in(found, rules, one, rows)
    for name in one.requires:
        if name in found.given:
            found.marks.add(f"E-REQ:{name}", rows & ~found.raw[name])
        elif not (name == "event_date" and as_mask(pc.is_valid(found.fields[name]))[rows].any()):
            _lacks(found, name, rows)
    for name in one.needs_time:
        late = rows & found.no_time.get(name, np.zeros(len(found), bool))
        found.marks.add("E-TIME-NEEDED", late)
        found.marks.drop("W-NOTIME", late)
    for check in one.checks:
        rowchecks.CHECKS[check.check](rowchecks.Scene(found, rules, books, check, rows))
    if "iban" in one.requires:
        _lacks(found, "iban", rows & found.marks.has("E-IBAN"))


def _stand_in(found: Judged, rules: Rules, one: RequestType, rows: np.ndarray) -> None:
    """Without a column for the event, the event is what the row's date is about."""
    if "event_date" not in one.requires or "event_date" in found.given:
        return
    local = _local_dates(found.fields["occurred_at"], rules.clock)
    found.fields["event_date"] = flat(pc.if_else(pa.array(rows), local, found.fields["event_date"]))


def _local_dates(instants: pa.Array, clock: Clock) -> pa.Array:
    moments = pc.strptime(instants, "%Y-%m-%dT%H:%M:%SZ", "s")
    there = pc.local_timestamp(pc.assume_timezone(moments, "UTC").cast(pa.timestamp("s", clock.zone.key)))
    return flat(pc.cast(pc.cast(there, pa.date32()), pa.string()))


def _lacks(found: Judged, name: str, rows: np.ndarray) -> None:
    if rows.any():
        found.lacking[name] = found.lacking.get(name, np.zeros(len(found), bool)) | rows
