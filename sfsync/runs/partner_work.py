"""The rows of one file become cases.

The keys and T0 of the requests are in the ledger before anything of them is written, and count as made only when
everything is written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
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
from sfsync.planners.requests import cases, make
from sfsync.planners.requests.repeat import CHANGED, NEW, REPEAT
from sfsync.planners.requests.rowmarks import QUARANTINE, REJECT
from sfsync.planners.requests.validate import OUT_OF_TERM
from sfsync.planners.sync.make import Progress
from sfsync.runs import request_notes, request_open, request_texts
from sfsync.runs.bench import Bench
from sfsync.runs.memory import LedgerMemory
from sfsync.runs.partner_rows import Rows
from sfsync.runs.running import Run, running, scratch
from sfsync.runs.sync import finish, fit, hands_of, same_ends, sources_of
from sfsync.sides import columns
from sfsync.sides.side import TEXT

MAPPINGS = ("company", "shop", "operator", "terminal", "case")
PATIENCE_S, LOOK_S = 120.0, 0.25
T = TypeVar("T")


class Work(Rows):
    """The rows of one file on their way to cases."""

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
            request_notes.alarm(bench, self._alerts(), run.id)
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
        new, now, before = self._split(frame, mapping)
        again = request_open.Again(np.isin(who, list(self.known.requests)), self.who.content, _differ(now, before))
        request_open.hand_over(bench, desk.catalogue, self.found, routed, who, received, what, again)
        attached = request_texts.keep(bench, self.sheet, self.found, desk.rules, frame, what)
        with _folder(bench) as folder:
            header = make.rows_plan(sources, folder, make.row_mapping(mapping), new, now, before)
            self._apply(run, folder, header)
        everything = make.Cases(new.index, now.index, self._marks(attached))
        parents = make.missing_parents(sources, self._parents(frame))
        with _folder(bench) as folder:
            header = make.cases_plan(sources, folder, everything, parents)
            self._apply(run, folder, header)
        request_notes.tell(bench)

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

    def _marks(self, attached: set[str]) -> pd.DataFrame:
        """Repeat contacts of cases asked about again, the outcome of those too late, and which have an attachment."""
        met = self.met[1]
        asked = [c for c, w in zip(met.case, met.what, strict=True) if w == REPEAT]
        counts = intake.repeats(self.desk.bench.ledger, asked) if asked else {}
        late = list(self.who.key[(met.what == NEW) & self.found.late])
        keys = sorted({*counts, *late, *attached})
        return pd.DataFrame(
            {
                "repeat_contacts": pd.array([str(counts[k]) if k in counts else None for k in keys], dtype=TEXT),
                "outcome_code": pd.array([OUT_OF_TERM if k in set(late) else None for k in keys], dtype=TEXT),
                "attachments": pd.array(["true" if k in attached else None for k in keys], dtype=TEXT),
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

    def _alerts(self) -> list[dict[str, Any]]:
        """Rows that somebody has to hear of though they make no case: by key and line, nothing of what they say."""
        shops = self.found.fields["shop_code"].to_pylist()
        return [
            {
                "row_key": self.who.key[row],
                "code": code,
                "queue": queue,
                "shop": shops[row] if self.found.shop[row] >= 0 else None,
                "type": str(self.found.types[row]),
                "file": self.done.sha256,
                "line": self.done.rows[row]["row"],
            }
            for code, queue in self.desk.catalogue.intake.alerts.items()
            for row in np.flatnonzero(self.found.marks.has(code)).tolist()
        ]

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


def _differ(now: pd.DataFrame, before: pd.DataFrame) -> dict[str, list[str]]:
    """By case, the names of the fields that are not as they were."""
    names = [n for n in cases.CHANGEABLE if n in now.columns]
    was = columns.rows(before, now.index, names)
    mask = ~columns.equal(now[names], was)
    fields = np.array([cases.FIELD_OF.get(n, n) for n in names], object)
    return {key: fields[row].tolist() for key, row in zip(now.index, mask, strict=True)}


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
