"""The served org of the HTTP tests."""

from __future__ import annotations

from tests.rehearsal.http.conftest import org, served

__all__ = ["org", "served"]
