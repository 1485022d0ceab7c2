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

from sfsync.errors import Exit, LeaseHeld
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
from sfsync.planners.requests.repeat import AGAIN, CHANGED, NEW, REPEAT, Known, Met
from sfsync.planners.requests.rowmarks import OUTCOMES, QUARANTINE, REJECT
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
    rows: list[dict[str, Any]] = field(default_factory=list)
    codes: tuple[str, ...] = ()
    refused: FileRefused | None = None
    run: str = ""
    taken: bool = False  # something of it was imported
    sheet: Sheet | None = None
    judged: Judged | None = None
    results: list[Path] = field(default_factory=list)  # files written for the sender and for admins

    @property
    def counts(self) -> dict[str, int]:
        """Rows by outcome; outcomes nobody has are left out."""
        found = [r["outcome"] for r in self.rows]
        return {o: found.count(o) for o in OUTCOMES if o in found}

    def as_json(self) -> dict[str, Any]:
        """The document of ``--json``."""
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

    # -- what is said ------------------------------------------------------------------------------------------

    def rows(self) -> list[dict[str, Any]]:
        """One document per row of the file."""
        outcomes, met = self.met
        codes, missing = self.found.marks.lists(), self.found.missing()
        names = {t.code: t.type for t in self.desk.catalogue.types}
        ids, shops = (self.found.fields[n].to_pylist() for n in ("request_id", "shop_code"))
        made = []
        for row, line in enumerate(self.sheet.lines.tolist()):
            skipped = bool(self.found.skipped[row])
            one = {
                "row": line,
                "request_id": ids[row],
                "outcome": str(outcomes[row]),
                "codes": [] if met.what[row] == AGAIN else codes[row],
                "request_type": None if skipped else names[self.found.types[row]],
                "source_key": None if skipped or shops[row] is None else self.who.key[row],
                "case": None,
            }
            made.append(one | self._more(row, missing))
        return made

    def _more(self, row: int, missing: list[list[str]]) -> dict[str, Any]:
        """What only some rows have to say."""
        met = self.met[1]
        more: dict[str, Any] = {}
        if missing[row] and (met.what[row] in (NEW, CHANGED, REPEAT) or self.met[0][row] == QUARANTINE):
            more["missing"] = missing[row]
        if met.what[row] == REPEAT:
            more["repeats"] = met.case[row]
        if met.twin[row] is not None:
            more["possible_duplicate_of"] = met.twin[row]
        if self.found.late[row] and met.what[row] == NEW:
            more["case_outcome"] = OUT_OF_TERM
        return more

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
        self._name_cases()

    def _plan_rows(self, run: Run) -> None:
        """The ledger knows keys and T0 before anything leaves; of a key that comes twice the last content counts."""
        take = np.flatnonzero(np.isin(self.what.astype(str), (NEW, CHANGED, REPEAT)))
        last = np.flatnonzero(_last_of(pd.Index(self.who.key), np.isin(np.arange(len(self.found)), take)))
        fields, who = self.found.fields, self.who
        columns = {
            "source_key": who.key[last].tolist(),
            "shop": [fields["shop_code"][i].as_py() or "" for i in last.tolist()],
            "code": self.found.types[last].tolist(),
            "request": who.request[last].tolist(),
            "content": who.content[last].tolist(),
            "alike": who.alike[last].tolist(),
            "occurred_at": [fields["occurred_at"][i].as_py() or "" for i in last.tolist()],
            "received_at": [self._received(k) for k in who.key[last]],
            "case_key": self.met[1].case[last].tolist(),
            "state": [intake.PLANNED] * len(last),
            "run_id": [run.id] * len(last),
        }
        intake.plan(self.desk.bench.ledger, columns)

    def _received(self, key: str) -> str:
        """T0 of a request: of one that is known, the first receipt."""
        before = self.known.requests.get(key)
        return str(before["received_at"]) if before else _text(self.desk.received)

    def _write(self, run: Run) -> None:
        bench, desk = self.desk.bench, self.desk
        mapping = bench.mappings["case"]
        for one in run.mappings.values():
            if one.name in bench.mappings:
                recover(bench.ledger, bench.platform, bench.salesforce, one)
        memory = LedgerMemory(bench.ledger, standings=same_ends(bench, _real(run.mappings), ()))
        sources = sources_of(bench, _real(run.mappings), memory)
        routed = cases.route(self.found, desk.rules, desk.books)
        received = np.array([self._received(k) for k in self.who.key], object)
        frame = cases.frame(mapping, self.found, routed, self.who.key, received, desk.rules, desk.books)
        who, what = self.who.key, self.what
        request_open.hand_over(bench, desk.catalogue, self.found, routed, who, received, what)
        new, now, before = self._split(frame, mapping)
        with _folder(bench) as folder:
            header = make.rows_plan(sources, folder, make.row_mapping(mapping), new, now, before)
            self._apply(run, folder, header)
        everything = make.Cases(new.index, now.index, self._marks())
        parents = make.missing_parents(sources, self._parents(frame))
        with _folder(bench) as folder:
            header = make.cases_plan(sources, folder, everything, parents)
            self._apply(run, folder, header)

    def _split(self, frame: pd.DataFrame, mapping: Mapping) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Rows to make; rows to change, as they shall be and as they are: these keep their clocks and their queue."""
        ours = np.isin(self.what.astype(str), (NEW, CHANGED))
        frame = frame[_last_of(frame.index, ours)]
        there = self._platform_cases(("source_key",), list(frame.index))["source_key"].to_pylist()
        exists = frame.index.isin(there)
        changed = frame[exists]
        before = self.desk.bench.platform.fetch(mapping, changed.index).values
        now = before.reindex(changed.index)
        for name in cases.CHANGEABLE:
            now[name] = changed[name]
        return frame[~exists], now, before

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

    def _parents(self, frame: pd.DataFrame) -> dict[str, pd.Index]:
        """Keys of the records the cases are linked to, and of those these are linked to."""
        ours = np.isin(self.what.astype(str), (NEW, CHANGED))
        rows, places = frame[ours], np.unique(self.found.shop[ours])
        company = book.at(self.desk.books.shops, "company_code", places[places >= 0]).to_pylist()
        wanted = {"company": company, **{n: rows[n].dropna().unique() for n in ("shop", "operator", "terminal")}}
        return {n: pd.Index(sorted({str(k) for k in v if k}), dtype=TEXT, name="key") for n, v in wanted.items()}

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
        met = self.met[1]
        keys = [c for c, w in zip(met.case, met.what, strict=True) if w]
        table = self._platform_cases(("source_key", "case_number"), keys)
        numbers = dict(zip(table["source_key"].to_pylist(), table["case_number"].to_pylist(), strict=True))
        for one, case, what in zip(self.done.rows, met.case, met.what, strict=True):
            if what:
                one["case"] = numbers.get(case) or case

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
        shops, missing = self.found.fields["shop_code"].to_pylist(), self.found.missing()
        return [
            {
                "sha256": self.done.sha256,
                "line": one["row"],
                "source_key": one["source_key"],
                "shop": shops[row] if self.found.shop[row] >= 0 else None,
                "code": str(self.found.types[row]),
                "outcome": one["outcome"],
                "codes": json.dumps(one["codes"]),
                "missing": json.dumps(missing[row]),
                "received_at": _text(self.desk.received),
                "purge_at": purge,
            }
            for row, one in enumerate(self.done.rows)
            if one["outcome"] in (QUARANTINE, REJECT)
        ]


def _last_of(keys: pd.Index, rows: np.ndarray) -> np.ndarray:
    """bool n: of these rows, the last of each key."""
    places = np.flatnonzero(rows)
    last = ~pd.Series(keys[places]).duplicated(keep="last").to_numpy()
    mask = np.zeros(len(keys), bool)
    mask[places[last]] = True
    return mask


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
