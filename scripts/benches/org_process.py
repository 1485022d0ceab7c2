"""A rehearsal org in a process of its own, on a temporary folder."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 60


@dataclass(frozen=True)
class Server:
    url: str
    token: str
    pid: int
    https_url: str = ""
    ca_file: str = ""
    username: str = ""

    def peak_mb(self) -> float:
        """The most memory the process has held; NaN where the system does not tell."""
        status = Path(f"/proc/{self.pid}/status")
        lines = status.read_text("utf-8").splitlines() if status.exists() else []
        peak = next((line.split()[1] for line in lines if line.startswith("VmHWM")), "nan")
        return float(peak) / 1024


@contextmanager
def running(data: Path, *, https: bool = False, seed: str = "empty") -> Iterator[Server]:
    """Starts the org, for clients that insist with https too, and stops it at the end of the block."""
    command = [sys.executable, "-m", "sfsync", "org", "serve", "--data", str(data / "org"), "--seed", seed]
    command += [] if https else ["--no-https"]
    command += ["--force-app", str(ROOT / "force-app")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        more = [str(ready.get(name) or "") for name in ("https_url", "ca_file", "username")]
        yield Server(ready["instance_url"], ready["access_token"], process.pid, *more)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
