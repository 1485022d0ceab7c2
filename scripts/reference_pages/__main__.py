"""``scripts/reference`` writes the pages; ``scripts/reference --check`` only says which are out of date."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.reference_pages.write import out_of_date, write

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"


def main(arguments: list[str]) -> int:
    """0 if the pages are (now) as they should be, 1 if ``--check`` found others."""
    check = "--check" in arguments
    odd = out_of_date(FOLDER) if check else write(FOLDER)
    for name in odd:
        print(f"{'out of date' if check else 'written'}: docs/reference/{name}", file=sys.stderr)
    return 1 if check and odd else 0


sys.exit(main(sys.argv[1:]))
