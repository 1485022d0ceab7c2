"""jsforce of today: sessions, describe, rows, queries, Bulk and Bulk 2.0, as its documentation uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients import shop
from tests.clients.conftest import Org, bought, run

SCRIPT = Path(__file__).parent / "scripts" / "jsforce.test.cjs"


@pytest.mark.slow
def test_jsforce(org: Org, tmp_path: Path) -> None:
    home = bought(lambda: shop.node("jsforce", {"jsforce": "3.10.16"}))
    ready = org.ready
    env = org.environment(
        NODE_PATH=str(home / "node_modules"),
        SF_HTTPS_URL=ready.https_url or "",
        SF_CLIENT_ID=ready.consumer_key,
        SF_CLIENT_SECRET=ready.consumer_secret,
        SF_REFRESH_TOKEN=ready.refresh_token,
    )
    org.rows("BigTable__c", *[{} for _ in range(2500)])
    done = run(["node", "--test", "--test-reporter=tap", str(SCRIPT)], tmp_path, env)
    assert done.returncode == 0, done.stdout[-6000:]
    assert "# tests 24" in done.stdout, "every test of the script has run"
