"""sla shadow: our clocks beside the milestones of an org with entitlements; those whose clock has stopped, completed.

The clocks stay ours: milestones count in minutes and tell nobody that they are violated (policy C.11). They are a
mirror that people know, and a second opinion.
"""

from __future__ import annotations

import csv
import time
from datetime import timedelta
from pathlib import Path

from sfsync.errors import ConfigError, DriftError
from sfsync.faultpoints import hit
from sfsync.mapping.model import Mapping
from sfsync.plan.apply import apply
from sfsync.plan.recover import over, recover
from sfsync.planners.requests.results import safe
from sfsync.planners.sla import shadow, variant
from sfsync.planners.sync.make import Progress
from sfsync.planners.sync.sayings import note
from sfsync.runs import sync as runs
from sfsync.runs.bench import Bench
from sfsync.runs.result import Result, planned_numbers
from sfsync.runs.running import Run, quiet, running
from sfsync.runs.sla_shadow_look import Look, Shadow
from sfsync.sides.salesforce import milestones

COMMAND = "sla shadow"


def look(
    bench: Bench,
    since: timedelta,
    *,
    complete: bool = False,
    dry_run: bool = False,
    live: bool = False,
    progress: Progress = quiet,
) -> Shadow:
    """Milestones of cases open, or changed, in the time ``since`` before ``bench.as_of`` (``live``: the org's time).

    With ``complete``, those whose clock has stopped are completed; with ``dry_run`` too, only counted. Raises
    ``ConfigError`` SLA_MILESTONES where the policy names no milestones, ``DriftError`` where ours may not be written.
    """
    started = time.monotonic()
    if live:
        bench.as_of = bench.salesforce.session.clock().replace(microsecond=0)
    done = Shadow(Result("dry-run", bench.as_of))
    done.entitled = milestones.there(bench.salesforce.queries, bench.salesforce.describes)
    if done.entitled:
        mapping = variant.milestones(_case(bench))
        _compared(bench, mapping, done, since, complete, dry_run, progress)
    done.result.api_calls = bench.salesforce.api_calls
    done.result.api_remaining = bench.salesforce.api_remaining
    done.result.duration_s = time.monotonic() - started
    return done


def _case(bench: Bench) -> Mapping:
    case = bench.mappings.get("case")
    if case is None:
        step = "Put mappings/case.yaml back; a fresh one comes from sfsync init."
        raise ConfigError("there is no mapping `case` to compare promises of", "SLA_CASES", "mappings", step)
    return case


def _compared(
    bench: Bench,
    mapping: Mapping,
    done: Shadow,
    since: timedelta,
    complete: bool,
    dry_run: bool,
    progress: Progress,
) -> None:
    looks = Look(bench, mapping, done, since, progress)
    if complete and not milestones.writable(bench.salesforce.describes):
        step = "Assign the permission set SFS_Integration and the right to edit case milestones."
        raise DriftError("our user may not complete milestones", "DRIFT", "CaseMilestone.CompletionDate", step)
    if not complete:
        for _ in looks.pieces():
            pass
    elif dry_run:
        folder = looks.planned()
        assert folder.header is not None
        done.result.mappings = planned_numbers(folder.header)
        folder.remove()
    else:
        with running(bench, COMMAND, {mapping.name: mapping}, progress) as run:
            done.result = run.result
            _complete(run, mapping, looks)


def _complete(run: Run, mapping: Mapping, looks: Look) -> None:
    bench = run.bench
    bound = bench.ledger.bind(bench.platform.identity(), bench.salesforce.identity())
    runs.stop_at([note(f) for f in bound], ())
    recover(bench.ledger, bench.platform, bench.salesforce, mapping)
    folder = looks.planned()
    try:
        hit("sync.planned")
        hands = runs.hands_of(run)
        apply(folder, hands)
        run.result.findings = [note(f) for f in hands.findings]
        runs.finish(run, folder, hands)
        over(bench.ledger, mapping.name, run.id)
    finally:
        folder.remove()


def write_csv(done: Shadow, file: Path) -> None:
    """All differences as a CSV file of UTF-8 that no spreadsheet runs; an existing file is replaced."""
    step = "Name a file in a folder that exists and may be written."
    try:
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(shadow.COLUMNS)
            for row in done.differences.to_numpy().tolist():
                writer.writerow(["" if v is None else v if isinstance(v, int) else safe(str(v)) for v in row])
    except OSError as error:
        raise ConfigError(f"it cannot be written ({error.strerror})", "SLA_SHADOW_OUT", str(file), step) from None
