"""What commands that must be instant do not load: pinned by name, not by time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.project import Project

FRAMES = {"pandas", "numpy", "pyarrow"}
ENDS = {"requests", "simple_salesforce", "zeep", "jwt", "psycopg"}
PROBE = """
import sys
from sfsync.cli import main
status = main(sys.argv[1:])
names = {n.partition(".")[0] for n, module in sys.modules.items() if type(module).__name__ != "Late"}
names |= {"postgresql"} & {n.rpartition(".")[2] for n in sys.modules}
print("LOADED", status, *sorted(names), file=sys.stderr)
"""


def loaded(*arguments: str) -> tuple[int, set[str]]:
    """Exit status of a command in a process of its own, and the packages it loaded."""
    ran = subprocess.run([sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, timeout=60)
    line = next(n for n in ran.stderr.splitlines() if n.startswith("LOADED"))
    _, status, *names = line.split()
    return int(status), set(names)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sync", "--help"], ["status", "--help"]])
def test_help_loads_no_library_of_the_work(arguments: list[str]) -> None:
    status, names = loaded(*arguments)
    assert status == 0
    assert not names & (FRAMES | ENDS | {"sqlalchemy", "pydantic", "yaml", "rich"})


def test_status_loads_neither_frames_nor_an_end(project: Project) -> None:
    status, names = loaded("--config", str(project.folder / "sfsync.toml"), "status", "--json")
    assert status == 0
    assert "sqlalchemy" in names, "the ledger was read"
    assert not names & (FRAMES | ENDS | {"postgresql"})
