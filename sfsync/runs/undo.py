"""undo: the way back from a run, shown first, then applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sfsync.errors import ConfigError
from sfsync.ledger import parked
from sfsync.mapping.model import Mapping
from sfsync.plan import undo as way_back
from sfsync.plan.apply import apply as write
from sfsync.plan.folder import PlanFolder
from sfsync.planners.sla.variant import MILESTONES, ORG, ROW, milestones, org_fields, row_fields
from sfsync.planners.sync.make import Progress
from sfsync.planners.sync.sayings import note
from sfsync.runs import request_undo
from sfsync.runs import sync as runs
from sfsync.runs.bench import Bench
from sfsync.runs.result import Result
from sfsync.runs.running import quiet, running, scratch

WRITING = ("sync", "apply", "undo", "sla enforce", "sla shadow", request_undo.COMMAND)


@contextmanager
def planned(bench: Bench, run: str, *, progress: Progress = quiet) -> Iterator[PlanFolder]:
    """A plan that takes back ``run`` (an id, or ``last``: the newest run that wrote something)."""
    run_id = _last(bench) if run == "last" else str(bench.ledger.run(run)["run_id"])
    if bench.ledger.run(run_id)["command"] == request_undo.COMMAND:
        with request_undo.planned(bench, run_id) as asked:
            yield asked
        return
    runs.fit(bench, bench.mappings)
    folder = PlanFolder.create(scratch(bench))
    past = way_back.Past(
        bench.ledger, _mappings(bench), bench.platform, bench.salesforce, bench.ledger.digest.bound, bench.as_of
    )
    progress("", "reading the images", 0)
    try:
        way_back.make(past, run_id, folder)
        yield folder
    finally:
        folder.remove()


def _mappings(bench: Bench) -> dict[str, Mapping]:
    """Those of the project, and those under which the sweep of the service levels writes cases."""
    case = bench.mappings.get("case")
    return {**bench.mappings, **(_swept(case) if case else {})}


def _swept(case: Mapping) -> dict[str, Mapping]:
    return {ORG: org_fields(case), ROW: row_fields(case), MILESTONES: milestones(case)}


def _last(bench: Bench) -> str:
    for run in bench.ledger.last_runs(limit=200):
        parts = ((run["summary"] or {}).get("mappings") or {}).values()
        wrote = any(
            p[s][w] for p in parts for s in ("salesforce", "platform") for w in ("created", "updated", "archived")
        )
        if run["command"] in WRITING and wrote:
            return str(run["run_id"])
    raise ConfigError("no run has written anything yet", "RUN_UNKNOWN", "last", "See: sfsync status")


def apply(bench: Bench, folder: PlanFolder, *, waive: Sequence[str] = (), progress: Progress = quiet) -> Result:
    """Writes the way back, then parks what was undone until its source changes or a person releases it."""
    header = folder.header
    assert header is not None
    if header.kind == request_undo.KIND:
        return request_undo.apply(bench, folder, progress=progress)
    known = _mappings(bench)
    mappings = {n: known[n] for n in header.order}
    with running(bench, "undo", mappings, progress) as run:
        runs.same_ends(bench, mappings, waive)
        ledger, hands = bench.ledger, runs.hands_of(run)
        write(folder, hands)
        for name, mapping in mappings.items():
            pieces = (s.changes for s in folder.segments(name))
            for keys, digests in way_back.parked(pieces, ledger.digest.bound(mapping)):
                parked.park(ledger, run.id, name, keys, digests)
        run.result.findings = [*header.findings, *(note(f) for f in hands.findings)]
        runs.finish(run, folder, hands)
    return run.result
