"""What the rehearsal org answers, section by section, from what it says about itself."""

from __future__ import annotations

from itertools import groupby

from scripts.reference_pages.text import code, table
from sfsync.rehearsal import coverage
from sfsync.rehearsal import table as route_table
from sfsync.rehearsal.coverage import Entry
from sfsync.rehearsal.schema.build import build

_INTRO = """# The rehearsal org

What `sfsync org serve` answers as Salesforce does, what it answers in part, and how it refuses the rest. Nothing is made up: what the org does not know gets a clear error. `GET /rehearsal/coverage` says the same as JSON, with the custom objects of the running org.

How to use it: [rehearse tonight's job](../how-to/rehearse.md), [try other clients](../how-to/try-other-clients.md), [deploy metadata](../how-to/deploy-metadata.md). How it is built: [the rehearsal org](../explanation/rehearsal-org.md).
"""  # noqa: E501 - a paragraph of the page is a line


def page() -> str:
    """The page of what the org answers."""
    found = coverage.sections(route_table.build().routes(), build())
    return "\n".join([_INTRO, *(_section(name, entries) for name, entries in found.items())])


def _section(name: str, entries: list[Entry]) -> str:
    groups = [(group, list(those)) for group, those in groupby(entries, key=lambda one: one.group)]
    return "\n".join([f"## {name}\n", *(_group(group, those) for group, those in groups)])


def _group(name: str, entries: list[Entry]) -> str:
    title = f"**{name}**\n"
    if name == coverage.TOLD:
        rows = [(one.what, one.state, _how(one)) for one in entries]
        return "\n".join([title, table(("what", "state", "how"), rows)])
    if any(one.note for one in entries):
        mixed = any(one.state != coverage.ANSWERED for one in entries)
        columns = ("name", "state", "how") if mixed else ("name", "what it does")
        rows = [(code(one.what), *((one.state,) if mixed else ()), _how(one)) for one in entries]
        return "\n".join([title, table(columns, rows)])
    if name == "Calls":
        return "\n".join([title, "```text", *_calls(entries), "```\n"])
    return f"{title}\n{', '.join(code(one.what) for one in entries)}\n"


def _calls(entries: list[Entry]) -> list[str]:
    """One line for each path, with its methods."""
    methods: dict[str, list[str]] = {}
    for one in entries:
        method, _, path = one.what.partition(" ")
        methods.setdefault(path, []).append(method)
    return [f"{path}  {' '.join(names)}" for path, names in methods.items()]


def _how(entry: Entry) -> str:
    refusal = " ".join(part for part in (str(entry.status or ""), entry.code) if part)
    return "; ".join(part for part in (code(refusal), entry.note) if part)
