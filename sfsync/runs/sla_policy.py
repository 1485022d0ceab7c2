"""Which service-level policy holds, and where it stands."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import sfsync
from sfsync import settings
from sfsync.planners.sla import policy as model
from sfsync.planners.sla.policy import Policy


def policy_file(config: Path | None) -> Path:
    """The project's policy; that of this installation where the folder has none, so that a timeline can be explained
    anywhere."""
    own = settings.load(config).mappings / model.FILE
    built_in = Path(sfsync.__file__).parents[1] / "mappings" / model.FILE
    return own if own.exists() or not built_in.exists() else built_in


def policies(config: Path | None) -> list[Policy]:
    """All versions, the oldest first."""
    return model.load(policy_file(config))


def policy_at(known: list[Policy], as_of: datetime) -> Policy:
    """The version in force at an instant; before the first one, the first."""
    held = [p for p in known if p.valid_from <= as_of]
    return held[-1] if held else known[0]
