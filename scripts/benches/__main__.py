"""``scripts/bench NAME …``: the first word says what is measured."""

from __future__ import annotations

import sys

from scripts.benches import intake, locks, org, sla
from scripts.benches.sync import main as sync

BENCHES = {"intake": intake.main, "locks": locks.main, "org": org.main, "sla": sla.main, "sync": sync.main}


def main(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name not in BENCHES:
        print(f"scripts/bench measures: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    return BENCHES[name](arguments[1:])


sys.exit(main(sys.argv[1:]))
