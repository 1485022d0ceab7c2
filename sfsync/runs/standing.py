"""What the bases of a run's mappings stand on: asked before anything is read, moved before the first write."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sfsync.ledger import footing, recent
from sfsync.mapping.model import Mapping
from sfsync.merge import guard
from sfsync.merge.footing import Footing, Standing, shape, stand
from sfsync.runs.bench import Bench

MEANT = (guard.MASS_CHANGE, guard.MASS_CHANGE_DAY, guard.BACKFILL)
DAY = timedelta(days=1)


def standings(bench: Bench, mappings: dict[str, Mapping]) -> dict[str, Standing]:
    """How the base of each mapping stands between this database and this org."""
    ends = bench.platform.identity(), bench.salesforce.identity()
    return {name: stand(mapping, _kept(bench, mapping), *ends) for name, mapping in mappings.items()}


def _kept(bench: Bench, mapping: Mapping) -> Footing | None:
    """What the ledger says; of a base older than footings, what its layouts and the ledger's two ends say."""
    kept = footing.read(bench.ledger, mapping.name)
    if kept is not None:
        return Footing.model_validate(kept)
    ends = bench.ledger.ends()
    if not ends:
        return None
    known = footing.known_fields(bench.ledger, mapping.name)
    fields = {f.name: shape(f) for f in mapping.synced if f.name in known} if known else None
    return Footing.of(mapping, ends["platform"], ends["org"]).model_copy(update={"fields": fields})


def move(bench: Bench, found: dict[str, Standing]) -> None:
    """Before the first write: from now on each base stands on what is there now."""
    for name, standing in found.items():
        document = {**(footing.read(bench.ledger, name) or {}), **standing.footing.model_dump(mode="json")}
        if standing.fresh:
            document.pop("first_run", None)
        if document != footing.read(bench.ledger, name):
            whole = standing.whole and bool(standing.findings or standing.rekeyed)
            footing.move(bench.ledger, name, document, whole=whole, fresh=standing.fresh)


def settle(bench: Bench, name: str, document: dict[str, Any], run_id: str) -> None:
    """After the last write: the base stands on what this run found. ``first_run`` is the one that filled it first."""
    first = (footing.read(bench.ledger, name) or {}).get("first_run", run_id)
    if document.get("fields") is not None:
        footing.write(bench.ledger, name, {**document, "first_run": first})


def recently(bench: Bench, mapping: str, side: str) -> int:
    """Records of a mapping updated on a side within a day before this run; its first run does not count."""
    first = (footing.read(bench.ledger, mapping) or {}).get("first_run")
    if first is None:
        return 0
    return recent.updated(bench.ledger, mapping, side, bench.as_of - DAY, after_run=first, meant=MEANT)
