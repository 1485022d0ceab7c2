"""The command: replays a folder of pairs and prints what agrees and what does not."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from scripts.replay_pairs import pairs
from scripts.replay_pairs.play import Outcome, play
from scripts.replay_pairs.reasons import not_played, reason
from scripts.replay_pairs.stage import opened


def main() -> int:
    """0: everything agrees or differs for a reason; 1: something differs without."""
    options = _options()
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="replay-") as folder, opened(Path(folder)) as stage:
        for pair in pairs.read(options.folder):
            if options.pair.lower() not in pair.name.lower():
                continue
            why = not_played(pair.name)
            outcome = Outcome(pair, [], why) if why else play(stage, pair)
            outcomes.append(outcome)
            if not why:
                print("." if _agrees(outcome) else "x", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    text = report(outcomes)
    if options.report:
        options.report.write_text(text, encoding="utf-8")
    print(text)
    return 0 if all(_agrees(one) for one in outcomes) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/replay", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with NN_area.json files")
    parser.add_argument("--pair", default="", help="only pairs whose name contains this")
    parser.add_argument("--report", type=Path, help="also write the report to this file")
    return parser.parse_args()


def _agrees(one: Outcome) -> bool:
    return all(reason(one.pair.name, str(found)) for found in one.differences)


def report(outcomes: list[Outcome]) -> str:
    """Every difference with its reason; then the sums."""
    lines = []
    for one in outcomes:
        if one.not_played:
            lines.append(f"not played  {one.pair.name}\n            {one.not_played}")
        for found in one.differences:
            why = reason(one.pair.name, str(found))
            mark = "differs   " if why else "DIFFERS   "
            lines.append(f"{mark}  {one.pair.name} [{one.pair.evidence}]\n            {found}")
            lines.append(f"            because {why}" if why else "            (no reason known)")
    played = [one for one in outcomes if not one.not_played]
    same = sum(not one.differences for one in played)
    explained = sum(bool(one.differences) and _agrees(one) for one in played)
    left = len(played) - same - explained
    lines.append(
        f"{len(played)} pairs played: {same} agree, {explained} differ for a reason, {left} differ without one"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
