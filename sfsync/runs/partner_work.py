"""The rows of one file on their way to cases: what is said of them, and what is written.

The keys and T0 of the requests are in the ledger before anything of them is written, and count as made only when
everything is written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from sfsync.errors import Exit, LeaseHeld
from sfsync.frugal import give_back
from sfsync.ledger import intake
from sfsync.mapping.model import Mapping
from sfsync.plan.apply import apply
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Header
from sfsync.plan.recover import recover
from sfsync.planners.requests import books as book
from sfsync.planners.requests import cases, make, repeat
from sfsync.planners.requests.books import Books
from sfsync.planners.requests.catalogue import Catalogue
from sfsync.planners.requests.identity import Identity, identify
from sfsync.planners.requests.refused import FileRefused
from sfsync.planners.requests.repeat import CHANGED, NEW, REPEAT, Known, Met
from sfsync.planners.requests.rowmarks import QUARANTINE, REJECT
from sfsync.planners.requests.said import Said, blocks, last_of, part
from sfsync.planners.requests.sheet import Sheet
from sfsync.planners.requests.validate import OUT_OF_TERM, Judged, Rules
from sfsync.planners.sync.make import Progress
from sfsync.runs import request_open
from sfsync.runs.bench import Bench
from sfsync.runs.memory import LedgerMemory
from sfsync.runs.running import Run, running, scratch
from sfsync.runs.sync import finish, fit, hands_of, same_ends, sources_of
from sfsync.sides.side import TEXT

MAPPINGS = ("company", "shop", "operator", "terminal", "case")
PATIENCE_S, LOOK_S = 120.0, 0.25
T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """How to import. ``received``: T0, the receipt of the files (default: now)."""

    profile: str = "it"
    received: datetime | None = None
    force: bool = False
    dry_run: bool = False
    out: Path | None = None  # where result files go; default: receipts/ beside the configuration


@dataclass
class Imported:
    """What became of one file."""

    path: Path
    sha256: str
    exit: Exit = Exit.DONE
    rows: Sequence[dict[str, Any]] = ()
    counts: dict[str, int] = field(default_factory=dict)  # rows by outcome; outcomes nobody has are left out
    codes: tuple[str, ...] = ()
    refused: FileRefused | None = None
    run: str = ""
    taken: bool = False  # something of it was imported
    sheet: Sheet | None = None
    judged: Judged | None = None
    results: list[Path] = field(default_factory=list)  # files written for the sender and for admins

    def as_json(self) -> dict[str, Any]:
        """The document of ``--json``; its rows are made when they are written."""
        document: dict[str, Any] = {"file": str(self.path), "sha256": self.sha256, "exit": int(self.exit)}
        document |= {"rows": self.rows, "counts": self.counts, "codes": list(self.codes), "run": self.run}
        if self.refused is not None:
            said = {"code": self.refused.code, "message": self.refused.message, "next_step": self.refused.next_step}
            document["refused"] = said
        return document


@dataclass(frozen=True)
class Table:
    """What the files of one command are held against."""

    bench: Bench
    catalogue: Catalogue
    options: Options
    received: datetime
    progress: Progress
    rules: Rules
    books: Books


@dataclass
class Work:
    """The rows of one file on their way to cases."""

    desk: Table
    done: Imported
    sheet: Sheet
    found: Judged

    @cached_property
    def who(self) -> Identity:
        """Which requests they are."""
        ledger = self.desk.bench.ledger
        return identify(self.found, self.desk.catalogue, self.desk.options.profile, intake.secret(ledger))

    @cached_property
    def known(self) -> Known:
        """What the ledger remembers of these requests, and of what they are about."""
        ledger, who = self.desk.bench.ledger, self.who
        remembered = ("source_key", "content", "case_key", "received_at", "state")
        found = intake.rows_by(ledger, "source_key", list(who.key), remembered)
        requests = {r[0]: dict(zip(remembered, r, strict=True)) for r in found}
        asked = [i for i in who.request if i is not None]
        ids = {r[0]: r[1] for r in intake.rows_by(ledger, "request", asked, ("request", "shop"))}
        names, alike = ("alike", "occurred_at", "case_key", "source_key"), [a for a in who.alike if a is not None]
        about = [r for r in intake.rows_by(ledger, "alike", alike, names) if r[2] == r[3]]
        closed = self._closed([r[2] for r in about])
        matters: dict[str, list[tuple[str, str, str, bool]]] = {}
        for matter, occurred_at, case, key in about:
            matters.setdefault(matter, []).append((occurred_at, case, key, case not in closed))
        return Known(requests, ids, matters)

    def _closed(self, keys: list[str]) -> set[str]:
        table = self._platform_cases(("source_key", "status"), keys)
        pairs = zip(table["source_key"].to_pylist(), table["status"].to_pylist(), strict=True)
        return {str(key) for key, status in pairs if status in ("Closed", "Resolved", "Cancelled")}

    def _platform_cases(self, names: tuple[str, ...], keys: Sequence[str]) -> Any:
        bench = self.desk.bench
        return bench.platform.texts(bench.mappings["case"].platform.table, names, list(dict.fromkeys(keys)))

    @cached_property
    def met(self) -> tuple[np.ndarray, Met]:
        """Outcomes, and what became of each row."""
        return repeat.meet(self.found, self.who, self.known, self.desk.catalogue)

    @property
    def what(self) -> np.ndarray:
        """New, again, changed or repeat, by row."""
        return self.met[1].what

    @cached_property
    def said(self) -> Said:
        """What is said of each row of the file."""
        outcomes, met = self.met
        names = {t.code: t.type for t in self.desk.catalogue.types}
        return Said(self.found, met, self.sheet.lines, self.who.key, outcomes, names)

    # -- what is written ---------------------------------------------------------------------------------------

    def write(self, content: bytes) -> None:
        """Ledger, platform, Salesforce; then the file counts as imported and the rows know their case."""
        bench = self.desk.bench
        intake.keep(bench.ledger, self.done.sha256, content)
        with _run(bench, self.desk.progress) as run:
            self.done.run = run.id
            if np.isin(self.what.astype(str), (NEW, CHANGED, REPEAT)).any():
                self._plan_rows(run)
                self._write(run)
            if run.result.exit is Exit.REFUSED_ROWS:  # Salesforce or the platform refused a case: failures has it
                self.done.exit = Exit.REFUSED_ROWS
            intake.done(bench.ledger, run.id, self._file(run.id), self._waiting())
        give_back()
        self._name_cases()

    def _plan_rows(self, run: Run) -> None:
        """The ledger knows keys and T0 before anything leaves; of a key that comes twice the last content counts."""
        last = last_of(self.who.key, np.isin(self.what.astype(str), (NEW, CHANGED, REPEAT)))
        intake.plan(self.desk.bench.ledger, (self._planned(rows, run) for rows in blocks(last)))

    def _planned(self, rows: np.ndarray, run: Run) -> dict[str, list[Any]]:
        """What the ledger notes of these rows."""
        fields, who = self.found.fields, self.who
        shops, times = (pc.fill_null(fields[n].take(rows), "").to_pylist() for n in ("shop_code", "occurred_at"))
        return {
            "source_key": who.key[rows].tolist(),
            "shop": shops,
            "code": self.found.types[rows].tolist(),
            "request": who.request[rows].tolist(),
            "content": who.content[rows].tolist(),
            "alike": who.alike[rows].tolist(),
            "occurred_at": times,
            "received_at": self.received[rows].tolist(),
            "case_key": self.met[1].case[rows].tolist(),
            "state": [intake.PLANNED] * len(rows),
            "run_id": [run.id] * len(rows),
        }

    @cached_property
    def received(self) -> np.ndarray:
        """T0 of each row's request (text, object n): of one that is known, the first receipt."""
        now, known = _text(self.desk.received), self.known.requests
        return np.array([str(known[k]["received_at"]) if k in known else now for k in self.who.key], object)

    def _write(self, run: Run) -> None:
        bench, desk = self.desk.bench, self.desk
        mapping = bench.mappings["case"]
        for one in run.mappings.values():
            if one.name in bench.mappings:
                recover(bench.ledger, bench.platform, bench.salesforce, one)
        memory = LedgerMemory(bench.ledger, standings=same_ends(bench, _real(run.mappings), ()))
        sources = sources_of(bench, _real(run.mappings), memory)
        routed = cases.route(self.found, desk.rules, desk.books)
        who, what = self.who.key, self.what
        request_open.hand_over(bench, desk.catalogue, self.found, routed, who, self.received, what)
        made = Made(desk.books)
        with _folder(bench) as folder:
            header = make.rows_plan(sources, folder, make.row_mapping(mapping), self._pieces(mapping, routed, made))
            self._apply(run, folder, header)
        everything = make.Cases(_keys(made.new), _keys(made.changed), self._marks())
        parents = make.missing_parents(sources, made.parents())
        with _folder(bench) as folder:
            header = make.cases_plan(sources, folder, everything, parents)
            self._apply(run, folder, header)

    def _pieces(self, mapping: Mapping, routed: cases.Routed, made: Made) -> Iterator[make.Rows]:
        """The cases as the platform shall have them, piece by piece; ``made`` is told of each."""
        desk = self.desk
        for rows in blocks(last_of(self.who.key, np.isin(self.what.astype(str), (NEW, CHANGED)))):
            found, to = part(self.found, routed, rows)
            frame = cases.frame(mapping, found, to, self.who.key[rows], self.received[rows], desk.rules, desk.books)
            piece = self._split(frame, mapping)
            made.add(piece, frame, found.shop)
            yield piece
            give_back()

    def _split(self, frame: pd.DataFrame, mapping: Mapping) -> make.Rows:
        """Rows to make; rows to change, as they shall be and as they are: these keep their clocks and their queue."""
        there = self._platform_cases(("source_key",), list(frame.index))["source_key"].to_pylist()
        exists = frame.index.isin(there)
        changed = frame[exists]
        before = self.desk.bench.platform.fetch(mapping, changed.index).values
        now = before.reindex(changed.index)
        for name in cases.CHANGEABLE:
            now[name] = changed[name]
        return make.Rows(frame[~exists], now, before)

    def _marks(self) -> pd.DataFrame:
        """Repeat contacts of cases that were asked about again, and the outcome of those that came too late."""
        met = self.met[1]
        asked = [c for c, w in zip(met.case, met.what, strict=True) if w == REPEAT]
        counts = intake.repeats(self.desk.bench.ledger, asked) if asked else {}
        late = list(self.who.key[(met.what == NEW) & self.found.late])
        keys = sorted({*counts, *late})
        return pd.DataFrame(
            {
                "repeat_contacts": pd.array([str(counts[k]) if k in counts else None for k in keys], dtype=TEXT),
                "outcome_code": pd.array([OUT_OF_TERM if k in set(late) else None for k in keys], dtype=TEXT),
            },
            index=pd.Index(keys, dtype=TEXT, name="key"),
        )

    def _apply(self, run: Run, folder: PlanFolder, header: Header) -> None:
        if not header.changes:
            return
        hands = hands_of(run)
        apply(folder, hands)
        finish(run, folder, hands)
        if hands.stopped is not None:
            raise hands.stopped

    def _name_cases(self) -> None:
        """The number of each row's case, once Salesforce gave one."""
        case, said = self.met[1].case, self.said
        for rows in blocks(said.cases):
            table = self._platform_cases(("source_key", "case_number"), case[rows].tolist())
            numbers = dict(zip(table["source_key"].to_pylist(), table["case_number"].to_pylist(), strict=True))
            said.numbers[rows] = [numbers.get(k) or k for k in case[rows]]

    def _file(self, run_id: str) -> dict[str, Any]:
        codes = {c: int(m.sum()) for c, m in self.found.marks.masks.items() if m.any()}
        days = self.desk.catalogue.intake.purge_days
        return {
            "sha256": self.done.sha256,
            "profile": self.desk.options.profile,
            "run_id": run_id,
            "rows": len(self.done.rows),
            "counts": json.dumps(self.done.counts),
            "codes": json.dumps(codes),
            "received_at": _text(self.desk.received),
            "purge_at": intake.purge_at(self.desk.bench.ledger.now(), days),
        }

    def _waiting(self) -> list[dict[str, Any]]:
        """Rows without a case, for a person: what is wrong with them and what they lack, nothing of what they say."""
        days = self.desk.catalogue.intake.purge_days
        purge = intake.purge_at(self.desk.bench.ledger.now(), days)
        rows = np.flatnonzero(np.isin(self.said.outcomes.astype(str), (QUARANTINE, REJECT)))
        shops, missing = self.found.fields["shop_code"].take(rows).to_pylist(), self.found.missing(rows)
        return [
            {
                "sha256": self.done.sha256,
                "line": one["row"],
                "source_key": one["source_key"],
                "shop": shops[place] if self.found.shop[row] >= 0 else None,
                "code": str(self.found.types[row]),
                "outcome": one["outcome"],
                "codes": json.dumps(one["codes"]),
                "missing": json.dumps(missing[place]),
                "received_at": _text(self.desk.received),
                "purge_at": purge,
            }
            for place, (row, one) in enumerate(zip(rows.tolist(), self.said.documents(rows), strict=True))
        ]


@dataclass
class Made:
    """Cases whose rows are written: their keys, and what they are linked to."""

    books: Books
    new: list[pd.Index] = field(default_factory=list)
    changed: list[pd.Index] = field(default_factory=list)
    linked: dict[str, set[str]] = field(default_factory=dict)

    def add(self, piece: make.Rows, frame: pd.DataFrame, shop: np.ndarray) -> None:
        """A piece, its ``frame`` as it was wanted, and where the shop of each of its rows stands in the books."""
        self.new.append(piece.new.index)
        self.changed.append(piece.now.index)
        places = np.unique(shop)
        company = book.at(self.books.shops, "company_code", places[places >= 0]).to_pylist()
        wanted = {"company": company, **{n: frame[n].dropna().unique() for n in ("shop", "operator", "terminal")}}
        for name, keys in wanted.items():
            self.linked.setdefault(name, set()).update(str(k) for k in keys if k)

    def parents(self) -> dict[str, pd.Index]:
        """Keys of the records the cases are linked to, and of those these are linked to."""
        return {n: pd.Index(sorted(keys), dtype=TEXT, name="key") for n, keys in self.linked.items()}


def _keys(parts: Sequence[pd.Index]) -> pd.Index:
    nothing = pd.Index([], dtype=TEXT, name="key")
    return parts[0].append(list(parts[1:])) if parts else nothing


def _real(mappings: dict[str, Mapping]) -> dict[str, Mapping]:
    return {n: m for n, m in mappings.items() if n in MAPPINGS}


@contextmanager
def _run(bench: Bench, progress: Progress) -> Iterator[Run]:
    """A run over the mappings of partners; it waits for a sync that is under way."""
    mappings = {n: m for n, m in bench.mappings.items() if n in MAPPINGS}
    case = mappings["case"]
    mappings |= {make.ROW: make.row_mapping(case), make.MARKS: make.marks_mapping(case)}
    with ExitStack() as stack:
        run = once_free(lambda: stack.enter_context(running(bench, "import", mappings, progress)))
        fit(bench, _real(mappings))
        yield run


@contextmanager
def _folder(bench: Bench) -> Iterator[PlanFolder]:
    folder = PlanFolder.create(scratch(bench))
    try:
        yield folder
    finally:
        folder.remove()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def once_free(acquire: Callable[[], T]) -> T:
    """What a lease is asked for, as soon as nobody holds it; raises ``LeaseHeld`` after ``PATIENCE_S``."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return acquire()
        except LeaseHeld:
            if time.monotonic() > until:
                raise
            time.sleep(LOOK_S)
