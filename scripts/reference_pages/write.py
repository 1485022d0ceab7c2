"""Writes the pages, or only compares."""

from __future__ import annotations

from pathlib import Path

from scripts.reference_pages import pages


def out_of_date(folder: Path) -> list[str]:
    """Names of the pages that are missing, other than they should be, or too many."""
    return _odd(folder, pages())


def write(folder: Path) -> list[str]:
    """Make the folder hold exactly the pages; returns the names of those that changed."""
    made = pages()
    odd = _odd(folder, made)
    for name in odd:
        if name in made:
            (folder / name).write_text(made[name], "utf-8")
        else:
            (folder / name).unlink()
    return odd


def _odd(folder: Path, made: dict[str, str]) -> list[str]:
    there = {p.name: p.read_text("utf-8") for p in folder.glob("*.md")}
    return sorted(n for n in {*made, *there} if made.get(n) != there.get(n))
