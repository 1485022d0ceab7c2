"""CumulusCI's bulk data tasks, run unchanged: load, extract and delete over Bulk 1.0, REST and its own choice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients import shop
from tests.clients.conftest import Org, bought, run

SCRIPT = Path(__file__).parent / "scripts" / "cumulusci_tasks.py"


@pytest.fixture(scope="module")
def python() -> Path:
    return bought(lambda: shop.python("cumulusci", "cumulusci==4.10.1"))


@pytest.mark.slow
@pytest.mark.parametrize("api", ["bulk", "rest", "smart"])
def test_load_extract_delete(python: Path, org: Org, tmp_path: Path, api: str) -> None:
    ready = org.ready
    env = org.environment(
        HOME=str(tmp_path), ORG_URL=ready.https_url or "", ORG_TOKEN=ready.access_token, ORG_USER=ready.username
    )
    done = run([str(python), str(SCRIPT), api], tmp_path, env)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {"loaded": [2, 3], "extracted": [2, 3], "left": [0, 0]}
