"""The rows of one file of partner requests: which requests they are, and what is said of each. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from sfsync.ledger import intake
from sfsync.planners.requests import repeat
from sfsync.planners.requests.books import Books
from sfsync.planners.requests.catalogue import Catalogue
from sfsync.planners.requests.identity import Identity, identify
from sfsync.planners.requests.repeat import AGAIN, CHANGED, NEW, REPEAT, Known, Met
from sfsync.planners.requests.rowmarks import QUARANTINE
from sfsync.planners.requests.sheet import Sheet
from sfsync.planners.requests.validate import OUT_OF_TERM, Judged, Rules
from sfsync.planners.sync.make import Progress
from sfsync.runs.bench import Bench
from sfsync.runs.partner_file import Imported, Options


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
class Rows:
    """The rows of one file: which requests they are, what is known of them, and what is said."""

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
