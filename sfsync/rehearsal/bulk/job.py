"""A Bulk job or batch: its record and its states.

    Open -> UploadComplete -> InProgress -> JobComplete | Failed      Aborted from any but the last two

A Bulk 1.0 job (kind classic) is only Open, Closed or Aborted; its batches (kind batch) are what is worked off.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OPEN, UPLOADED, RUNNING, COMPLETE, FAILED, ABORTED = (
    "Open",
    "UploadComplete",
    "InProgress",
    "JobComplete",
    "Failed",
    "Aborted",
)
FINISHED = frozenset({COMPLETE, FAILED, ABORTED})
INGEST, QUERY, CLASSIC, BATCH = "ingest", "query", "classic", "batch"


@dataclass
class Job:
    """One job or batch. ``rows_done`` counts rows committed, ``sizes`` the bytes of each result file at that moment.

    ``parent`` is the job of a batch, ``chunking`` what Sforce-Enable-PKChunking asked for, ``client`` the name in
    Sforce-Call-Options. ``break_at`` is the number of rows after which it ends in ``break_state`` with
    ``break_error``, by order of the control plane. ``closed_at`` (epoch seconds of real time), ``looks`` and
    ``policy`` decide when it shows as finished.
    """

    id: str
    kind: str
    operation: str
    object: str
    created_by: str
    created: str
    modified: str
    api_version: float
    state: str = OPEN
    external_field: str | None = None
    assignment_rule: str | None = None
    line_ending: str = "LF"
    delimiter: str = "COMMA"
    query: str = ""
    uploaded: bool = False
    rows_done: int = 0
    rows_failed: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    millis: int = 0
    closed_at: float = 0.0
    looks: int = 0
    policy: dict[str, Any] = field(default_factory=dict)
    parent: str | None = None
    content_type: str = "CSV"
    concurrency: str = "Parallel"
    chunking: dict[str, Any] | None = None
    client: str = ""
    break_at: int | None = None
    break_state: str = FAILED
    break_error: str = ""

    @property
    def api(self) -> str:
        return f"{self.api_version:.1f}"
