"""Libraries that Python programs reach Salesforce with: salesforce-bulk, aiosalesforce, django-salesforce."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.clients import shop
from tests.clients.conftest import Org, bought, run

SCRIPTS = Path(__file__).parent / "scripts"
# The older Django asks for no licence key of the library.
DJANGO = ("django-salesforce==6.0", "django==4.2.30", "pytz")
# What the library's suite needs and the org leaves out: addresses of Apex exceptions, contents of files.
LEFT_OUT = {"test_one_to_one_field", "test_content_version"}
SUITE = [f"salesforce.tests.{one}" for one in ("test_integration", "test_bulk", "test_auth", "test_basic", "test_unit")]
RESULT = re.compile(r"^(?:ERROR|FAIL): (\w+)", re.MULTILINE)


def environment(org: Org, home: Path, **more: str) -> dict[str, str]:
    ready = org.ready
    return org.environment(
        HOME=str(home),
        ORG_URL=ready.https_url or "",
        ORG_PASSWORD=ready.password,
        ORG_SECURITY_TOKEN=ready.security_token,
        ORG_KEY=ready.consumer_key,
        ORG_SECRET=ready.consumer_secret,
        ORG_KEY_FILE=ready.private_key_file,
        **more,
    )


def told(script: str, python: Path, org: Org, home: Path) -> Any:
    """What a script says in its last line."""
    done = run([str(python), str(SCRIPTS / script)], home, environment(org, home))
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_salesforce_bulk(org: Org, tmp_path: Path) -> None:
    python = bought(lambda: shop.python("salesforce-bulk", "salesforce-bulk==2.2.0", "simple-salesforce==1.12.10"))
    assert told("salesforce_bulk_jobs.py", python, org, tmp_path) == {
        "made": 20,
        "error": "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
        "created": ["false", "true"],
        "columns": ["Id", "LastName", "Account.Name", "CreatedDate"],
        "exported": 21,
        "chunked": True,
        "gone": 21,
        "left": 0,
        "no session": "InvalidSessionId",
        "no object": "InvalidEntity",
    }


@pytest.mark.slow
def test_aiosalesforce(org: Org, tmp_path: Path) -> None:
    python = bought(lambda: shop.python("aiosalesforce", "aiosalesforce[jwt]==0.6.2"))
    assert told("aiosalesforce_calls.py", python, org, tmp_path) == {
        "flows": ["good", "good", "good", "INVALID_LOGIN"],
        "name": "Ada Alba",
        "created": [True, False, True],
        "found": 2,
        "required": "REQUIRED_FIELD_MISSING",
        "no field": "INVALID_FIELD",
        "no row": "NOT_FOUND",
        "no grammar": "MALFORMED_QUERY",
        "binned": 1,
        "batch": [200, 400],
        "composite": [201, 201],
        "halted": ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"],
        "bulk": [1, "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"],
        "no object": "INVALIDENTITY",
        "renewed": True,
    }


@pytest.mark.slow
def test_the_tests_of_django_salesforce(org: Org, tmp_path: Path) -> None:
    python = bought(lambda: shop.python("django-salesforce", *DJANGO))
    env = environment(org, tmp_path, PYTHONPATH=str(SCRIPTS), DJANGO_SETTINGS_MODULE="django_org_settings")
    suite = [*SUITE, "salesforce.tests.test_documents"]
    done = run([str(python), "-m", "django", "test", *suite], tmp_path, env)
    assert re.search(r"^Ran 1\d\d tests", done.stderr, re.MULTILINE), done.stderr[-3000:]
    assert set(RESULT.findall(done.stderr)) == LEFT_OUT, done.stderr[-6000:]
