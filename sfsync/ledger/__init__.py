"""The ledger: what both sides last agreed on, what was meant, done, refused and decided.

Reading order: ``tables``, ``database`` (one SQL for SQLite and PostgreSQL), ``store`` (open, runs, watermarks),
``base``, ``intents`` (intent before, outcome after), ``issues`` and ``conflicts`` (what waits for somebody),
``images`` (before-images), ``lease``, ``audit``, ``digest``.
"""

from sfsync.ledger.store import Ledger

__all__ = ["Ledger"]
