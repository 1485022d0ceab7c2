"""Makes the pages of ``docs/reference/`` from what they describe, so that they cannot say anything else."""

from __future__ import annotations

from scripts.reference_pages import codes, commands, mappings, rehearsal, settings

HEAD = "<!-- Made by scripts/reference; change the source, not this page. -->\n\n"


def pages() -> dict[str, str]:
    """File name to text, for every page of the reference."""
    made = {
        "README.md": index(),
        "commands.md": commands.page(),
        "settings.md": settings.page(),
        "mapping-files.md": mappings.page(),
        "exit-codes.md": codes.exits(),
        "error-codes.md": codes.errors(),
        "guards.md": codes.guards(),
        "fault-points.md": codes.fault_points(),
        "rehearsal-org.md": rehearsal.page(),
    }
    return {name: HEAD + text.rstrip() + "\n" for name, text in made.items()}


def index() -> str:
    """The page that leads to the others."""
    return """# Reference

Made from the code by `scripts/reference`; a test compares.

- [Commands](commands.md): every command, option and its environment twin
- [Settings](settings.md): every key of `sfsync.toml`
- [Mapping files](mapping-files.md): every key of a mapping, types, owners, transforms
- [Exit codes](exit-codes.md)
- [Error codes](error-codes.md): everything sfsync can refuse or remark, by code
- [Guards](guards.md): what stops a run before its first write
- [Fault points](fault-points.md): where a test can kill the process
- [The rehearsal org](rehearsal-org.md): what it answers as Salesforce does, and how it refuses the rest
"""
