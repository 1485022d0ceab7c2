"""What a program costs: seconds on the clock, seconds of CPU, peak memory; the org's CPU apart."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")


class BenchError(Exception):
    """A measured program did not do what it was measured for."""


@dataclass(frozen=True)
class Cost:
    """One run: ``wall``, ``cpu`` and ``org_cpu`` in seconds, ``peak_mb`` of the largest of its processes."""

    wall: float
    cpu: float
    peak_mb: float
    org_cpu: float = 0.0
    out: str = ""


def run(command: Sequence[str], folder: Path, env: Mapping[str, str], org: int | None = None, ends: int = 0) -> Cost:
    """Runs a program to its end; ``org`` is the org's process, ``ends`` the exit status to expect.

    BenchError, with the end of what it said, if it ends otherwise.
    """
    before = cpu_of(org) if org else 0.0
    with tempfile.TemporaryDirectory() as place:
        report, out, err = (Path(place) / name for name in ("report", "out", "err"))
        whole = [sys.executable, "-I", "-S", str(LAUNCHER), str(report), *map(str, command)]
        with out.open("wb") as to, err.open("wb") as errors:
            subprocess.run(whole, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=to, stderr=errors, check=True)
        told = json.loads(report.read_text("utf-8"))
        said = out.read_text("utf-8", errors="replace")
        if told.pop("status") != ends:
            raise BenchError(f"{Path(command[0]).name}: {(err.read_text('utf-8', errors='replace') + said)[-1500:]}")
    return Cost(**told, org_cpu=cpu_of(org) - before if org else 0.0, out=said)


def cpu_of(process: int) -> float:
    """Seconds of CPU a running process has used."""
    fields = Path(f"/proc/{process}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each figure; ``out`` of the last run."""
    names = ("wall", "cpu", "peak_mb", "org_cpu")
    middle = {name: statistics.median(getattr(one, name) for one in costs) for name in names}
    return Cost(**middle, out=costs[-1].out)
