"""A file's table, whatever its form: CSV, workbook or JSON lines, by its name and its first bytes."""

from __future__ import annotations

from sfsync.planners.requests import csvread, jsonlines
from sfsync.planners.requests.catalogue import Catalogue, Profile, fold
from sfsync.planners.requests.decode import decode
from sfsync.planners.requests.refused import format_refused
from sfsync.planners.requests.sheet import Sheet

WORKBOOKS, LINES = (".xlsx", ".xlsm", ".xltx", ".xltm"), (".jsonl", ".ndjson", ".json")


def read(name: str, content: bytes, catalogue: Catalogue, profile: Profile) -> Sheet:
    """The table; raises ``FileRefused`` for what cannot be read, with the reason."""
    limits = catalogue.intake
    if len(content) > limits.max_megabytes << 20:
        raise format_refused(f"it is larger than {limits.max_megabytes} MB", "Cut it into several files.")
    suffix = name[name.rfind(".") :].lower() if "." in name else ""

    def knows(title: str) -> str | None:
        return catalogue.columns.get(fold(title))

    if suffix in WORKBOOKS:
        from sfsync.planners.requests.xlsx import read as workbook  # only who has one waits for it

        return workbook(content, knows, limits.max_rows)
    text = decode(content)
    if suffix in LINES:
        return jsonlines.read(text, knows, limits.max_rows)
    return csvread.read(text, profile.delimiters, knows, limits.max_rows)
