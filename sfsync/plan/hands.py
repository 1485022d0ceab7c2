"""What a run that writes works with, and what it has done so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sfsync.errors import BudgetReached
from sfsync.ledger.lease import Lease
from sfsync.ledger.store import Ledger
from sfsync.mapping.model import Mapping
from sfsync.plan import decided, notes
from sfsync.plan.model import Changes
from sfsync.plan.settle import Digest
from sfsync.plan.walk import Batch
from sfsync.sides.side import Finding, Org, Side

Progress = Callable[[str, str, int], None]


@dataclass
class Hands:
    """The two sides, the ledger and the run; and, while it writes, what will have to be said about it."""

    platform: Side
    salesforce: Org
    ledger: Ledger
    run_id: str
    mappings: dict[str, Mapping]
    digest: Callable[[Mapping], Digest]
    as_of: datetime
    progress: Progress = lambda *_: None
    stopped: BudgetReached | None = None
    findings: list[Finding] = field(default_factory=list)
    moved: dict[str, int] = field(default_factory=dict)  # per mapping, records that dropped out of their batch
    automated: dict[tuple[str, str], int] = field(default_factory=dict)
    refused: dict[str, set[str]] = field(default_factory=dict)
    leases: dict[str, Lease] = field(default_factory=dict)
    no_base: frozenset[str] = frozenset()  # mappings of one plan only: no sync asks what was written of them
    images: int = 0
    echoes: list[Batch] = field(default_factory=list)
    echoed: dict[str, int] = field(default_factory=dict)  # per mapping, records that went back to the platform

    def side(self, name: str) -> Side:
        """A side by name."""
        return self.salesforce if name == "salesforce" else self.platform

    def hold(self, step: Batch, changes: Changes, code: str) -> None:
        """Notes rows of a batch that are not written, and why; the next run looks at them."""
        notes.hold(self.ledger, self.run_id, step.mapping, step.side, step.kind, changes.keys, code, step.lane)


def said(hands: Hands) -> Iterator[Finding]:
    """What people should know about the writes."""
    for (mapping, name), count in hands.automated.items():
        yield decided.automated(hands.mappings[mapping], name, count)
    for mapping, count in hands.moved.items():
        if count:
            text = f"{count:,} {mapping} records changed between plan and write and were left alone"
            yield Finding("MOVED", text, "info", mapping, next_step="The next sync looks at them again.")
