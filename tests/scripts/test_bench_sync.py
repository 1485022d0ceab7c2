"""The parts of ``scripts/bench sync`` that say what was measured; the measuring itself takes minutes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scripts.benches.sync import growth, measure, page, plot
from scripts.benches.sync.measure import BenchError, Cost
from scripts.benches.sync.sizes import Size
from scripts.benches.sync.table import Figure, Table

HOG = "import sys; held = bytearray(200 * 2**20); print(len(held)); sys.exit(3)"


def test_a_program_is_measured_apart_from_its_parent() -> None:
    here = bytearray(300 * 2**20)  # a parent's peak must not become its child's
    small = measure.run(["sh", "-c", "echo well"], Path.cwd(), os.environ)
    assert (small.out, len(here)) == ("well\n", 300 * 2**20)
    assert small.peak_mb < 50
    large = measure.run([sys.executable, "-c", HOG], Path.cwd(), os.environ, ends=3)
    assert 200 < large.peak_mb < 300


def test_a_program_that_fails_has_no_figures() -> None:
    with pytest.raises(BenchError, match="broken"):
        measure.run(["sh", "-c", "echo broken >&2; exit 1"], Path.cwd(), os.environ)


def test_what_is_met() -> None:
    table = Table.of("T", [Figure("calls", 3, "", 3), Figure("wall", 1.6, "s", 1.5), Figure("peak", 9, "MB")])
    assert [row[3] for row in table.rows] == ["yes", "no", "–"]
    assert "| wall | 1.60 s | ≤ 1.50 s | no |  |" in table.markdown()
    assert table.plain()["rows"][0]["target"] == "≤ 3"


def test_a_page_keeps_its_words_and_the_figures_that_were_not_made(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    marks = [f"{page.START.format(n)}\nold {n}\n{page.END.format(n)}" for n in ("cells", "idle")]
    file.write_text("Head\n\n" + "\n\nbetween\n\n".join(marks) + "\n\nfoot\n", "utf-8")
    page.fill(file, {"idle": "new idle"})
    page.fill(file, {"idle": "newer idle"})
    text = file.read_text("utf-8")
    assert "old cells" in text
    assert "old idle" not in text
    assert text.count("newer idle") == 1
    assert text.startswith("Head") and text.endswith("foot\n") and "between" in text
    with pytest.raises(page.NoMarkersError, match="growth"):
        page.fill(file, {"growth": "nowhere"})


def test_growth_as_table_and_plot() -> None:
    found = [Size(10**n, Cost(2.0 * 10 ** (n - 4), 1.0 * 10 ** (n - 4), 200.0), 10) for n in (4, 5, 6)]
    [table] = growth.tables(found, frozenset({"growth"}))
    assert [row[3] for row in table.rows] == ["×1.00", "×10.00", "×100.00"]
    drawn = ElementTree.fromstring(plot.svg(found))
    circles = drawn.findall("{http://www.w3.org/2000/svg}circle")
    assert len([c for c in circles if c.find("{http://www.w3.org/2000/svg}title") is not None]) == 9
