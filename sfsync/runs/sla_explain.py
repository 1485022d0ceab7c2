"""The clocks of given timelines, and those of one case with the way to each due date."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sfsync.errors import ConfigError, Exit
from sfsync.planners.sla import timeline
from sfsync.planners.sla.figures import Figures, figures
from sfsync.runs.sla_policy import policies, policy_at


@dataclass(frozen=True)
class Explained:
    """One answer per timeline, in the order given; ``refused`` of them could not be read and say why."""

    answers: list[dict[str, Any]]
    refused: int
    figures: Figures

    @property
    def exit(self) -> Exit:
        """3 where a timeline was refused."""
        return Exit.REFUSED_ROWS if self.refused else Exit.DONE


def timelines(config: Path | None, file: Path, as_of: datetime) -> Explained:
    """The clocks at ``as_of`` of the timelines in a JSON file (a list; docs/reference/commands). Reads only."""
    known = figures(policy_at(policies(config), as_of))
    answers = timeline.explain(_read(file), known, as_of)
    return Explained(answers, sum("error" in a for a in answers), known)


def _read(file: Path) -> list[Any]:
    step = "Give a list of {id, tier, priority, channel, category, t0, events} as UTF-8 JSON."
    try:
        found = json.loads(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"it cannot be read ({error.strerror})", "TIMELINE_UNREADABLE", str(file), step) from None
    except (ValueError, RecursionError):
        raise ConfigError("this is not JSON", "TIMELINE_UNREADABLE", str(file), step) from None
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        raise ConfigError("this is not a list of timelines", "TIMELINE_UNREADABLE", str(file), step)
    return found
