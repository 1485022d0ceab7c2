"""jsforce's own integration tests: the mocha suite that its package carries up to version 1.9, run unchanged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clients import shop
from tests.clients.conftest import Org, bought, run

PACKAGES = {
    "jsforce": "1.9.3",
    "mocha": "5.2.0",
    "power-assert": "1.6.1",
    "intelli-espower-loader": "1.1.0",
    "async": "1.5.2",
    "through2": "2.0.5",
}
# What the suite asks of an org that this one refuses by design (docs/reference/rehearsal-org.md).
LEFT_OUT = {
    "sobject": "named layout|list view|Account layout",
    "connection-meta": "user identity",  # wants https in the id, of an org that is asked over http
    "soap": "describe tabs|convert and merge",
}


@pytest.fixture(scope="module")
def suite() -> Path:
    return bought(lambda: shop.node("jsforce-suite", PACKAGES)) / "node_modules" / "jsforce"


@pytest.fixture
def furnished(org: Org) -> Org:
    """As the suite's org-setup leaves an org: a big table, deals and accounts to find, its clean-up resource."""
    org.post("/rehearsal/reset", {})
    org.rows("BigTable__c", *[{} for _ in range(2200)])
    org.rows("Account", *[{"Name": f"Kept {number}"} for number in range(20)])
    parent = org.query("SELECT Id FROM Account WHERE Name = 'Kept 0'")[0]["Id"]
    deals = [
        {"Name": f"Deal {n}", "StageName": "Prospecting", "CloseDate": "2030-01-01", "AccountId": parent}
        for n in range(20)
    ]
    org.rows("Opportunity", *deals)
    org.post("/rehearsal/apexrest", {"method": "DELETE", "path": "JSforceTestData", "body": None})
    return org


@pytest.mark.slow
@pytest.mark.parametrize("area", ["connection-crud", "query", "bulk", "connection-meta", "sobject", "soap"])
def test_suite(suite: Path, furnished: Org, area: str) -> None:
    mocha = str(suite.parent / ".bin" / "mocha")
    command = [mocha, "--timeout", "20000", "--require", "intelli-espower-loader", "--exit", f"test/{area}.test.js"]
    if area in LEFT_OUT:
        command += ["--grep", LEFT_OUT[area], "--invert"]
    done = run(command, suite, furnished.environment())
    assert done.returncode == 0, done.stdout[-3000:]
    passed = re.search(r"(\d+) passing", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 0
