"""partners template: empty forms from the catalogue."""

from __future__ import annotations

from sfsync.errors import ConfigError
from sfsync.planners.requests import forms
from sfsync.planners.requests.catalogue import fold, load
from sfsync.runs.bench import Bench


def form(bench: Bench, name: str, *, workbook: bool) -> bytes:
    """The form of a type, by its code or any of its names; raises ``ConfigError`` REQUESTS_TYPE."""
    catalogue = load(bench.settings.mappings)
    code = catalogue.words.get(fold(name))
    if code is None:
        known = ", ".join(t.code for t in catalogue.listed)
        raise ConfigError("there is no such type of request", "REQUESTS_TYPE", name, f"There are: {known}.")
    one = catalogue.by_code[code]
    return forms.workbook_form(one, catalogue, ["P1", "P2", "P3", "P4"]) if workbook else forms.csv_form(one, catalogue)
