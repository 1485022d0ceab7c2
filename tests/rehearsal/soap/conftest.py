"""The served org, and the partner API on it."""

from __future__ import annotations

import pytest

from tests.rehearsal.http.conftest import Client
from tests.rehearsal.http.conftest import org as org
from tests.rehearsal.http.conftest import served as served
from tests.rehearsal.soap.partner import Partner


@pytest.fixture
def partner(org: Client) -> Partner:
    return Partner(org)
