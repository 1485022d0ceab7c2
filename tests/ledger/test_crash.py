"""Killed anywhere, the ledger holds all of a transaction or nothing of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sfsync import faultpoints
from sfsync.errors import ConfigError
from sfsync.ledger import Ledger, audit, base, history, images, intents, issues, lease

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def run(url: str, folder: Path, fault: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, faultpoints.VARIABLE: fault, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(HERE / "victim.py"), url, str(folder)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


# (killed at, intents left open, with a job, rows in history, rows in base, failures, images)
LEFT = {
    "ledger.lease.taken": (0, None, 0, 0, 0, 0),
    "ledger.intent.opened": (1, None, 0, 0, 0, 0),
    "ledger.intent.job": (1, "750x", 0, 0, 0, 0),
    "ledger.image.written": (1, "750x", 0, 0, 0, 0),
    "ledger.image.saved": (1, "750x", 0, 0, 0, 1),
    "ledger.outcome.before": (1, "750x", 0, 0, 0, 1),
    "ledger.outcome.middle": (1, "750x", 0, 0, 0, 1),
    "ledger.outcome.after": (0, None, 500, 499, 1, 1),
    "ledger.audit.middle": (0, None, 500, 499, 1, 1),
}


@pytest.mark.parametrize("fault", LEFT)
def test_all_or_nothing(fault: str, url: str, tmp_path: Path, reopen: Callable[..., Ledger]) -> None:
    killed = run(url, tmp_path / "folder", fault)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    ledger = reopen(create=False)
    left = intents.open_intents(ledger)
    found = (
        len(left),
        left[0].job_id if left else None,
        sum(history.counts(ledger, "r1").values()),
        base.count(ledger, "player"),
        len(issues.failures(ledger)),
        len(list(images.load(ledger, "r1"))),
    )
    assert found == LEFT[fault]
    assert audit.verify(ledger) == audit.Verified(0, [])
    assert lease.acquire(ledger, "mapping:player").token == 2, "the lease of the dead is taken over at once"


def test_what_a_killed_run_left_can_be_finished(url: str, tmp_path: Path, reopen: Callable[..., Ledger]) -> None:
    import pandas as pd

    run(url, tmp_path / "folder", "ledger.outcome.middle")
    ledger = reopen()
    (left,) = intents.open_intents(ledger, "player")
    assert len(left) == 500 and left.touched.all()
    known = base.Base.of(left.columns, left.keys, left.digests)
    assert intents.close(ledger, left.intent_id, pd.DataFrame({"result": "updated"}, index=left.keys), base=known)
    assert base.count(ledger, "player") == 500


def test_unarmed_it_survives(url: str, tmp_path: Path) -> None:
    done = run(url, tmp_path / "folder", "")
    assert (done.returncode, done.stdout) == (0, "survived\n"), done.stderr


def test_the_nth_hit(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    code = "from sfsync.faultpoints import hit\nfor n in range(5): print(n, flush=True); hit('ledger.intent.opened')"
    environment = {**os.environ, faultpoints.VARIABLE: "ledger.intent.opened:3", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "0\n1\n2\n")


def test_an_unknown_name_is_refused_instead_of_never_firing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(faultpoints.VARIABLE, "ledger.intent.opend")
    with pytest.raises(ConfigError, match="no fault point"):
        faultpoints.hit("ledger.intent.opened")


def test_every_named_point_exists_and_every_point_is_named() -> None:
    used = {
        name
        for file in (ROOT / "sfsync").rglob("*.py")
        for name in re.findall(r'\bhit\("([\w.]+)"\)', file.read_text())
    }
    assert used == set(faultpoints.NAMES)
