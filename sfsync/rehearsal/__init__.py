"""The rehearsal org: a Salesforce org on loopback, for trying things at noon with zero API calls.

Reading order: ``app`` (routes), ``rest``/``composite``/``bulk`` (wire format), ``org`` (what an org does),
``soql`` (grammar and compiler), ``schema`` (objects and fields), ``store`` (SQLite).
It imports nothing from ``sfsync.sides``: an emulator that shares code with its client agrees with its bugs.
"""
