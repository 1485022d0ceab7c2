"""Imports everything once, then forks a child for every command it is told: see ``world.Zygote``."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import sfsync
from sfsync.cli import main

for module in pkgutil.walk_packages(sfsync.__path__, "sfsync."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)


def child(order: dict[str, Any]) -> None:
    """Becomes the command; never returns."""
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.environ.update(order["environment"])
    status = 1
    try:
        status = main(order["arguments"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def wait(pid: int, kill_after: float | None) -> int:
    """The child's exit status, negative if a signal ended it."""
    end = time.monotonic() + (kill_after or 0)
    while kill_after is not None and time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    if kill_after is not None:
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


for line in sys.stdin:
    told = json.loads(line)
    Path(told["out"]).touch(mode=0o600)
    born = os.fork()
    if not born:
        child(told)
    print(wait(born, told["kill_after"]), flush=True)
