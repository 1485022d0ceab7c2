"""Plays random edits, faults and deaths for as long as one likes: scripts/soak --steps N --seed S.

Both sides live in memory, ledger and sync are the real ones. The first promise that is broken ends it with exit 1 and
the story that led there; the same seed tells the same story again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.machine.driver import Driver
from tests.machine.world import World

EPOCH = 24  # steps until faults stop and everything is compared
WORLD = 240  # steps until a new world begins


def main() -> int:
    """Plays worlds until the steps are used up."""
    told = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    told.add_argument("--steps", type=int, default=2_400, help="how many in all (default: %(default)s)")
    told.add_argument(
        "--seed", type=int, default=0, help="of the first world; the others follow (default: %(default)s)"
    )
    options = told.parse_args()
    started = time.monotonic()
    for number in range(-(-options.steps // WORLD)):
        seed = options.seed + number
        steps = min(WORLD, options.steps - number * WORLD)
        if not play(seed, steps):
            return 1
        print(f"seed {seed}: {steps} steps, nothing lost, {time.monotonic() - started:.0f} s", flush=True)
    return 0


def play(seed: int, steps: int) -> bool:
    """One world; False if a promise was broken."""
    with tempfile.TemporaryDirectory(prefix="sfsync-soak-") as folder:
        world = World(Path(folder))
        driver = Driver(world, seed)
        try:
            driver.play(steps, EPOCH)
        except Exception:
            traceback.print_exc()
            print("\n".join(driver.story), f"seed {seed}, {steps} steps", sep="\n")
            return False
        finally:
            world.close()
    return True


if __name__ == "__main__":
    sys.exit(main())
