"""Chaos for as long as one likes: ``scripts/chaos --seed N --rounds R``.

Every seed is a world of its own: an operator's database, an org in a process, a ledger. Each round people edit both
sides, runs meet faults, faults stop, and an independent checker looks at both sides. The first promise that is broken
ends it with exit 1, the story that led there, and how to play that round again.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.nursery import Nursery
from tests.chaos.postgres import database, server
from tests.chaos.rounds import Rounds
from tests.chaos.stage import Stage


def main() -> int:
    """Plays rounds; a table of the faults at the end."""
    told = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    told.add_argument("--seed", type=int, default=1, help="the first world (default: %(default)s)")
    told.add_argument("--seeds", type=int, default=1, help="how many worlds (default: %(default)s)")
    told.add_argument("--rounds", type=int, default=50, help="rounds in each world (default: %(default)s)")
    told.add_argument("--only", type=int, help="play this round alone, in a new world of the seed")
    told.add_argument("--postgres", action="store_true", help="platforms on PostgreSQL, behind a gate that hangs up")
    told.add_argument("--keep", type=Path, help="folder for the worlds; they stay there (default: a temporary one)")
    options = told.parse_args()
    place = options.keep or Path(tempfile.mkdtemp(prefix="sfsync-chaos-"))
    counts: Counter[str] = Counter()
    nursery = Nursery(place / "logs")
    with ExitStack() as opened:
        opened.callback(table, counts)
        opened.callback(nursery.close)
        url = opened.enter_context(server()) if options.postgres else ""
        for seed in range(options.seed, options.seed + options.seeds):
            numbers = [options.only] if options.only is not None else list(range(1, options.rounds + 1))
            platform = database(url) if url else ""
            if not world(place / f"world-{seed}", nursery, seed, numbers, counts, platform):
                print(f"its database, org and ledger: {place}")
                return 1
    if options.keep is None:
        shutil.rmtree(place, ignore_errors=True)
    return 0


def world(
    place: Path, nursery: Nursery, seed: int, numbers: list[int], counts: Counter[str], platform: str = ""
) -> bool:
    """One world's rounds; False if a promise was broken. ``platform``: URL of its database, else a SQLite file."""
    shutil.rmtree(place, ignore_errors=True)
    stage = Stage(place, nursery, seed=seed, margins=seed % 2 == 0, url=platform)
    rounds, number = Rounds(stage, seed), 0
    try:
        rounds.begin()
        for number in numbers:
            started = time.monotonic()
            rounds.play(number)
            counts["rounds"] += 1
            met = said(rounds)
            print(f"seed {seed} round {number}: {met}, {time.monotonic() - started:.1f} s", flush=True)
    except Exception:
        traceback.print_exc()
        print(*rounds.story, sep="\n")
        print(f"seed {seed} round {number}; again: scripts/chaos --seed {seed} --rounds {number}", flush=True)
        print(f"the round alone, in a new world: scripts/chaos --seed {seed} --only {number}", flush=True)
        return False
    finally:
        counts.update({f"ordered  {k}": n for k, n in rounds.troubles.counts.items()})
        counts.update({f"edited   {k}": n for k, n in rounds.people.counts.items()})
        counts.update({f"struck   {k}": n for k, n in rounds.struck.items()})
        counts.update({f"ended    {k}": v for k, v in rounds.runs.items()})
        stage.close()
    return True


def said(rounds: Rounds) -> str:
    """A round in a few words."""
    met = [line.partition(" meets ")[2].partition(" {")[0] for line in rounds.story if line.startswith("run ")]
    return f"{len(rounds.before.cells)} records, {'; '.join(met)}"


def table(counts: Counter[str]) -> None:
    """How often each fault was ordered, and how runs ended."""
    for name, count in sorted(counts.items()):
        print(f"{name:40} {count:6,}")


if __name__ == "__main__":
    sys.exit(main())
