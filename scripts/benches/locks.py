"""Cases of few parents on an org that locks them as Salesforce does: rows lost to locks, by the order of the upload."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from scripts.benches.org_process import ROOT, Server, running
from sfsync import settings
from sfsync.mapping.load import load
from sfsync.mapping.model import Mapping
from sfsync.sides.salesforce import tables
from sfsync.sides.salesforce.bulk import BulkLoad
from sfsync.sides.salesforce.convoy import IDLE, Convoy, Event
from sfsync.sides.salesforce.jobs import Jobs
from sfsync.sides.salesforce.lanes import JOB_ROWS, Shape
from sfsync.sides.salesforce.loads import Load, groups, loads
from sfsync.sides.salesforce.pace import Pace
from sfsync.sides.salesforce.payload import Payload
from sfsync.sides.salesforce.side import SalesforceSide
from sfsync.sides.side import FAILED, MOVED, TEXT, Outcomes, Write

LOCKS = {"row_locks": {"hold_s": 4, "wait_s": 10, "lanes": 5}}


@dataclass(frozen=True)
class Line:
    """One order of upload: its jobs, rows their batches lost to locks, rows not written at the end, seconds."""

    order: str
    jobs: int
    lost: int
    failed: int
    held: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.order:<28}{self.jobs:>6}{self.lost:>12,}{self.failed:>10,}{self.held:>8,}{self.seconds:>9.1f}"


def main(arguments: list[str]) -> int:
    """Prints a line per order of upload."""
    parser = argparse.ArgumentParser(prog="scripts/bench locks", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--parents", type=int, default=40)
    parser.add_argument("--skew", type=float, default=0.0, help="the share of the rows that hangs on one parent")
    order = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        print(f"{'order of the upload':<28}{'jobs':>6}{'lock errors':>12}{'failed':>10}{'held':>8}{'seconds':>9}")
        for line in Bench(server, Path(folder)).lines(order.rows, order.parents, order.skew):
            print(line, flush=True)
    return 0


class Bench:
    """An org with shops, and cases that hang on them."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self._mappings = load(ROOT / "mappings")
        config = {"auth": "session", "instance_url": server.url, "access_token": server.token}
        shares = settings.Budget(per_run=1, org_wide_stop=1)
        self._side = SalesforceSide(settings.Salesforce.model_validate(config), shares, cache=folder / "cache")
        self._side.prepare(list(self._mappings.values()))

    def lines(self, rows: int, parents: int, skew: float) -> Iterator[Line]:
        """As they come and sorted by parent, in jobs as long as may be; then as the product does it."""
        self._parents(parents)
        cases = self._cases(rows, parents, skew)
        self._order(LOCKS)
        view = self._side.view(self._mappings["case"])
        payload = Payload(view, cases)
        found, _ = groups(payload, np.arange(rows), 0)
        every, shop = np.arange(rows), pd.factorize(cases.values["shop"], sort=True)[0]
        for name, order in (("as they come", every), ("sorted by parent", np.argsort(shop, kind="stable"))):
            jobs = [order[n : n + JOB_ROWS] for n in range(0, rows, JOB_ROWS)]
            yield self._line(name, self._raw(payload, [Load(job, _csv(found[0].columns, job)) for job in jobs]))
        laid = loads(found, payload.locks(), Shape())
        yield self._line("whole parents in batches", self._raw(payload, laid))
        yield self._line("sfsync, retry lane and all", self._side.write(self._mappings["case"], cases))

    def _raw(self, payload: Payload, body: Iterable[Load]) -> Iterator[Outcomes]:
        convoy = Convoy(BulkLoad(self._side.session, Jobs(self._side.session, "ingest", Pace())))
        for job in body:
            yield from _said(convoy.send(0, payload, job, self._side.on_job))
        yield from _said(convoy.end())

    def _line(self, name: str, written: Iterator[Outcomes]) -> Line:
        jobs: list[str] = []
        self._side.on_job = jobs.append  # before the first outcome is asked for nothing is sent
        started = time.perf_counter()
        rows = pd.concat([o.rows for o in written])
        took = time.perf_counter() - started
        states = [self._side.job_state(job) or {} for job in jobs]
        lost = sum(int(state["numberRecordsFailed"]) for state in states)
        results = rows["result"].value_counts()
        return Line(name, len(jobs), lost, int(results.get(FAILED, 0)), int(results.get(MOVED, 0)), took)

    def _parents(self, count: int) -> None:
        company, shop = self._mappings["company"], self._mappings["shop"]
        self._made(company, {"C-1": {"legal_name": "Azienda", "state": "active"}})
        kind = {"company": "C-1", "shop_kind": "corner", "state": "active"}
        self._made(shop, {_shop(n): {"trading_name": f"Punto {n}", **kind} for n in range(count)})

    def _made(self, mapping: Mapping, rows: dict[str, dict[str, str]]) -> None:
        values = pd.DataFrame.from_dict(rows, orient="index", dtype=TEXT).reindex(columns=list(mapping.columns))
        result = pd.concat([o.rows for o in self._side.write(mapping, _write(values.astype(TEXT)))])["result"]
        assert (result == "created").all(), result.value_counts()

    def _cases(self, rows: int, parents: int, skew: float) -> Write:
        """Cases in the order of their making; shops are of different sizes."""
        dice = np.random.default_rng(7)
        weight = dice.uniform(0.5, 1.5, parents)
        which = np.where(dice.random(rows) < skew, 0, dice.choice(parents, rows, p=weight / weight.sum()))
        shops = [_shop(n) for n in which]
        made = {"shop": shops, "tier": ["PARTNER"] * rows, "subject": [f"Case {n}" for n in range(rows)]}
        keys = pd.Index([f"case-{n:06}" for n in range(rows)], dtype=TEXT, name="key")
        mapping = self._mappings["case"]
        return _write(pd.DataFrame(made, index=keys, dtype=TEXT).reindex(columns=list(mapping.columns)).astype(TEXT))

    def _order(self, order: dict[str, object]) -> None:
        headers = {"Authorization": f"Bearer {self._server.token}"}
        url = f"{self._server.url}/rehearsal/settings"
        request = urllib.request.Request(url, json.dumps(order).encode(), headers, method="POST")  # noqa: S310 - ours
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - ours
            answer.read()


def _write(values: pd.DataFrame) -> Write:
    keys = pd.Index(values.index, dtype=TEXT, name="key")
    return Write("create", keys, pd.Series(pd.NA, index=keys, dtype=TEXT), values, values.notna().to_numpy(bool))


def _csv(columns: pa.Table, order: np.ndarray) -> bytes:
    found = columns.take(pa.array(order))
    return tables.write(found.select([n for n in found.column_names if found[n].null_count < len(found)]))


def _said(events: Iterable[Event]) -> Iterator[Outcomes]:
    """Outcomes only; a row refused for a lock stays refused."""
    return (event[1] for event in events if event is not IDLE)


def _shop(number: int) -> str:
    return f"S{number:05}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
