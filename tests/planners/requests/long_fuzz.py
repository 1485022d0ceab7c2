"""The long fuzz: ``python -m tests.planners.requests.long_fuzz COUNT SEED``."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from tests.planners.requests.fuzz import hold, judge_of, mutants


def main(count: int, seed: int) -> None:
    """Prints how many were read and refused; a file that breaks a promise is kept as ``broken-request.csv``."""
    judge, found = judge_of(), Counter[str]()
    for number, content in enumerate(mutants(seed, count), 1):
        try:
            found[hold(judge, content)] += 1
        except BaseException:
            Path("broken-request.csv").write_bytes(content)
            raise
        if number % 1_000 == 0:
            print(f"{number:,} files: {dict(found)}", flush=True)
    print(f"{count:,} files: {dict(found)}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
