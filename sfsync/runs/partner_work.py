"""The rows of one file become cases.

The keys and T0 of the requests are in the ledger before anything of them is written, and count as made only when
everything is written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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
from sfsync.planners.requests import cases, make
from sfsync.planners.requests.repeat import CHANGED, NEW, REPEAT
from sfsync.planners.requests.rowmarks import QUARANTINE, REJECT
from sfsync.planners.requests.said import blocks, by_key, last_of, part
from sfsync.planners.requests.validate import OUT_OF_TERM
from sfsync.planners.sync.make import Progress
from sfsync.runs import request_notes, request_open, request_texts
from sfsync.runs.bench import Bench
from sfsync.runs.memory import LedgerMemory
from sfsync.runs.partner_made import Made
from sfsync.runs.partner_rows import Rows, text_of
from sfsync.runs.running import Run, running, scratch
from sfsync.runs.sync import finish, fit, hands_of, same_ends, sources_of
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
        give_back()
        self._name_cases()

    def _plan_rows(self, run: Run) -> None:
        """The ledger knows keys and T0 before anything leaves; of a key that comes twice the last content counts."""
        last = by_key(self.who.key, last_of(self.who.key, np.isin(self.what.astype(str), (NEW, CHANGED, REPEAT))))
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

    def _write(self, run: Run) -> None:
        bench, desk = self.desk.bench, self.desk
        mapping = bench.mappings["case"]
        for one in run.mappings.values():
            if one.name in bench.mappings:
                recover(bench.ledger, bench.platform, bench.salesforce, one)
        memory = LedgerMemory(bench.ledger, standings=same_ends(bench, _real(run.mappings), ()))
        sources = sources_of(bench, _real(run.mappings), memory)
        routed = cases.route(self.found, desk.rules, desk.books)
        made = Made(desk.books)
        with _folder(bench) as folder:
            header = make.rows_plan(sources, folder, make.row_mapping(mapping), self._pieces(mapping, routed, made))
            self._hand_over(routed, made.fields)
            self._apply(run, folder, header)
        everything = made.cases(self._marks(made.attached))
        parents = make.missing_parents(sources, made.parents())
        with _folder(bench) as folder:
            header = make.cases_plan(sources, folder, everything, parents)
            self._apply(run, folder, header)
        request_notes.tell(bench)

    def _hand_over(self, routed: cases.Routed, fields: dict[str, list[str]]) -> None:
        """What was asked is noted before the first case is written; ``fields``: what changes in known cases."""
        desk, keys, known = self.desk, self.who.key, self.known.requests
        again = request_open.Again(np.array([k in known for k in keys], bool), self.who.content, fields, desk.received)
        request_open.hand_over(desk.bench, desk.catalogue, self.found, routed, keys, self.received, self.what, again)

    def _pieces(self, mapping: Mapping, routed: cases.Routed, made: Made) -> Iterator[make.Rows]:
        """The cases as the platform shall have them, piece by piece; ``made`` is told of each.

        Of a key that comes twice the last row is its case; what the others were linked to and said at length counts.
        """
        desk, ours = self.desk, np.isin(self.what.astype(str), (NEW, CHANGED))
        last = last_of(self.who.key, ours)
        for rows in blocks(np.flatnonzero(ours)):
            found, to = part(self.found, routed, rows)
            frame = cases.frame(mapping, found, to, self.who.key[rows], self.received[rows], desk.rules, desk.books)
            made.link(frame, found.shop)
            made.attached |= request_texts.keep(desk.bench, self.sheet, self.found, desk.rules, frame, rows)
            piece = self._split(frame[np.isin(rows, last)], mapping)
            made.add(piece)
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

    def _apply(self, run: Run, folder: PlanFolder, header: Header) -> None:
        if not header.changes:
            return
        hands = hands_of(run)
        hands.no_base = frozenset((make.ROW, make.MARKS))
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
            "received_at": text_of(self.desk.received),
            "purge_at": intake.purge_at(self.desk.bench.ledger.now(), days),
        }

    def _alerts(self) -> list[dict[str, Any]]:
        """Rows that somebody has to hear of though they make no case: by key and line, nothing of what they say."""
        shops = self.found.fields["shop_code"]
        return [
            {
                "row_key": self.who.key[row],
                "code": code,
                "queue": queue,
                "shop": shops[row].as_py() if self.found.shop[row] >= 0 else None,
                "type": str(self.found.types[row]),
                "file": self.done.sha256,
                "line": int(self.sheet.lines[row]),
            }
            for code, queue in self.desk.catalogue.intake.alerts.items()
            for row in np.flatnonzero(self.found.marks.has(code)).tolist()
        ]

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
                "received_at": text_of(self.desk.received),
                "purge_at": purge,
            }
            for place, (row, one) in enumerate(zip(rows.tolist(), self.said.documents(rows), strict=True))
        ]


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
