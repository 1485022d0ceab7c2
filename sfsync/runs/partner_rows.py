"""The rows of one file of partner requests: which requests they are, and what is said of each. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np

from sfsync.ledger import intake
from sfsync.planners.requests import repeat
from sfsync.planners.requests.books import Books
from sfsync.planners.requests.catalogue import Catalogue
from sfsync.planners.requests.identity import Identity, identify
from sfsync.planners.requests.repeat import Known, Met
from sfsync.planners.requests.said import Said
from sfsync.planners.requests.sheet import Sheet
from sfsync.planners.requests.validate import Judged, Rules
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

    @cached_property
    def said(self) -> Said:
        """What is said of each row of the file."""
        outcomes, met = self.met
        names = {t.code: t.type for t in self.desk.catalogue.types}
        return Said(self.found, met, self.sheet.lines, self.who.key, outcomes, names)

    @cached_property
    def received(self) -> np.ndarray:
        """T0 of each row's request (text, object n): of one that is known, the first receipt."""
        now, known = text_of(self.desk.received), self.known.requests
        return np.array([str(known[k]["received_at"]) if k in known else now for k in self.who.key], object)


def text_of(moment: datetime) -> str:
    """An instant as the ledger of requests holds it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
