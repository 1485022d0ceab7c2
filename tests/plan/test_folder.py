"""A plan on disk: whole, unchanged and the same to the byte, or refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sfsync.errors import PlanError
from sfsync.plan.explain import MASK, Line, lines
from sfsync.plan.folder import PlanFolder, changes_of, changes_table
from sfsync.plan.model import CREATE, UPDATE, Cause
from sfsync.plan.walk import Batch, Issues, Remember, walk
from tests.planners.worlds import NOW, World, changes, header, mapping, segments

COMPANY = mapping("company")
SHOP = mapping(
    "shop",
    {
        "company": {"type": "reference", "references": "company"},
        "flag": {"type": "boolean", "lane": "compliance", "owner": "stricter"},
        "email": {"pii": "contact"},
        "city": {"owner": "newest"},
        "before": {"type": "reference", "references": "shop", "deferred": True},
    },
)
BOTH = {m.name: m for m in (COMPANY, SHOP)}
KNOWN: dict[str, str | None] = {
    "company": "C1",
    "flag": "false",
    "email": "a@x.example",
    "city": "Roma",
    "before": None,
}


def lively() -> World:
    """One of everything: new, changed, urgent, linked in a circle, held, gone."""
    world = World(COMPANY, SHOP)
    world.agree(COMPANY, {"C1": {"name": "Ditta", "city": None}})
    world.agree(SHOP, {f"S{n}": dict(KNOWN) for n in range(6)})
    world.platform.put(COMPANY, {"C2": {"name": "Nuova", "city": "Lodi"}})
    world.platform.put(SHOP, {"S0": {"email": "neu@x.example"}, "S1": {"flag": "true", "email": None}})
    world.platform.put(SHOP, {"S8": {**KNOWN, "company": "C2", "before": "S9"}, "S9": {**KNOWN, "before": "S8"}})
    world.platform.put(SHOP, {"S7": {**KNOWN, "company": "C-MISSING"}})
    world.salesforce.put(SHOP, {"S2": {"city": "Bari"}, "S3": {"email": "agent@x.example"}})
    world.salesforce.remove(SHOP, ["S5"])
    return world


@pytest.fixture
def folder(tmp_path: Path) -> PlanFolder:
    return lively().plan(tmp_path / "plan")


def files(path: Path) -> dict[str, str]:
    """Every file of a folder by the digest of its bytes."""
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(path.iterdir())}


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    one, other = lively().plan(tmp_path / "one"), lively().plan(tmp_path / "other")
    assert files(one.path) == files(other.path)
    assert len(files(one.path)) == 7
    later = lively().plan(tmp_path / "later", as_of=NOW + timedelta(seconds=1))
    assert header(later).plan_id != header(one).plan_id


def test_what_is_read_is_what_was_written(folder: PlanFolder, tmp_path: Path) -> None:
    again = PlanFolder.create(tmp_path / "again")
    for mapping_ in BOTH.values():
        for number, segment in enumerate(segments(folder, mapping_)):
            again.add(number, segment)
    again.finish(header(folder).model_copy())
    assert files(again.path) == files(folder.path)


def test_changes_survive_as_one_wide_table_even_if_the_mapping_grew(folder: PlanFolder) -> None:
    found = changes(folder, SHOP)
    back = changes_of(changes_table(found), SHOP.columns)
    assert back.rows.equals(found.rows)
    assert back.after.equals(found.after)
    assert np.array_equal(back.cause, found.cause)
    grown = changes_of(changes_table(found), (*SHOP.columns, "novel"))
    assert not grown.touched[:, -1].any()
    assert grown.after["novel"].isna().all()


def test_only_its_owner_can_look_inside(folder: PlanFolder) -> None:
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert all(f.stat().st_mode & 0o077 == 0 for f in folder.path.glob("*.parquet"))


def _flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(bytes(body))


@pytest.mark.parametrize(
    "harm",
    [
        lambda p: (p / "shop-00000.changes.parquet").unlink(),
        lambda p: _flip(p / "shop-00000.changes.parquet"),
        lambda p: _flip(p / "company-00000.base.parquet"),
        lambda p: (p / "shop-00001.changes.parquet").write_bytes((p / "shop-00000.changes.parquet").read_bytes()),
        lambda p: (p / "plan.json").write_text(
            (p / "plan.json")
            .read_text()
            .replace('"since":null', '"since":"2020-01-01T00:00:00Z"', 1)
            .replace('"generation": 3', '"generation": 4', 1)
        ),
        lambda p: (p / "plan.json").write_text("{}"),
        lambda p: (p / "plan.json").write_bytes(b"\xff\xfe"),
    ],
)
def test_a_plan_that_was_touched_is_refused(folder: PlanFolder, harm: Callable[[Path], object]) -> None:
    harm(folder.path)
    with pytest.raises(PlanError) as caught:
        PlanFolder.open(folder.path)
    assert caught.value.code == "PLAN_BROKEN"
    assert "sfsync plan" in caught.value.next_step


def test_a_folder_without_a_header_is_no_plan(folder: PlanFolder) -> None:
    (folder.path / "plan.json").unlink()
    with pytest.raises(PlanError) as caught:
        PlanFolder.open(folder.path)
    assert caught.value.code == "PLAN_MISSING"


def test_nothing_but_an_old_plan_is_overwritten(folder: PlanFolder, tmp_path: Path) -> None:
    lively().plan(folder.path)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("…")
    with pytest.raises(PlanError, match="not empty"):
        PlanFolder.create(tmp_path / "letters")
    assert (tmp_path / "letters" / "dear.txt").exists()


# -- for people -------------------------------------------------------------------------------------------------------


def cell(found: list[Line], key: str, field: str) -> tuple[str, str, str, str]:
    [line] = [x for x in found if (x.key, x.field) == (key, field)]
    return line.side, line.before, line.after, line.because


def test_personal_values_are_masked_unless_asked_for(folder: PlanFolder) -> None:
    hidden, shown = list(lines(folder, BOTH)), list(lines(folder, BOTH, show_values=True))
    assert cell(hidden, "S0", "email") == ("salesforce", MASK, MASK, "changed on the platform")
    assert cell(shown, "S0", "email") == ("salesforce", "a@x.example", "neu@x.example", "changed on the platform")
    assert cell(hidden, "S1", "email")[1:3] == (MASK, "∅"), "that a value goes is no secret"
    assert not any("@" in x.before + x.after for x in hidden)
    assert cell(hidden, "S2", "city") == ("platform", "Roma", "Bari", "changed on Salesforce")
    assert cell(hidden, "S3", "email")[3] == "the platform owns email; Salesforce differed"
    assert cell(hidden, "S1", "flag")[2:] == ("true", "changed on the platform")
    assert cell(hidden, "S8", "before")[3] == "link set after both records exist"
    assert cell(hidden, "C2", "name")[3] == "new record from the platform"


# -- the order it is written in ---------------------------------------------------------------------------------------


def batches(folder: PlanFolder, rows: int = 100) -> list[Batch]:
    """The batches, in order."""
    steps = walk(folder, {"salesforce": rows, "platform": rows})
    return [s for s in steps if isinstance(s, Batch)]


def test_compliance_first_parents_first_links_last(folder: PlanFolder) -> None:
    found = [(b.lane, b.mapping, b.side, b.kind) for b in batches(folder)]
    assert found == [
        ("compliance", "shop", "salesforce", UPDATE),
        ("main", "company", "salesforce", CREATE),
        ("main", "shop", "salesforce", UPDATE),
        ("main", "shop", "salesforce", CREATE),
        ("main", "shop", "platform", UPDATE),
        ("patch", "shop", "salesforce", UPDATE),
    ]
    assert not any(b.changes.touched[:, 1].any() for b in batches(folder)[2:3]), "the flag travels alone"


def test_a_batch_has_no_more_rows_than_its_side_takes(folder: PlanFolder) -> None:
    small = batches(folder, rows=1)
    assert {len(b.changes) for b in small} == {1}
    assert (
        pd.concat([b.changes.rows for b in small]).shape == pd.concat([b.changes.rows for b in batches(folder)]).shape
    )


def test_what_agrees_is_remembered_first_and_issues_are_noted_last(folder: PlanFolder) -> None:
    steps = [s for s in walk(folder, {"salesforce": 9, "platform": 9}) if s.mapping == "shop"]
    kinds = [type(s) for s in steps if not (isinstance(s, Batch) and s.lane != "main")]
    assert kinds[0] is Remember
    assert kinds[-1] is Issues
    assert kinds.count(Remember) == kinds.count(Issues) == 1


def test_every_cause_of_the_plan_has_its_words(folder: PlanFolder) -> None:
    causes = {int(c) for m in BOTH.values() for c in np.unique(changes(folder, m).cause) if c > 0}
    assert {Cause.NEW, Cause.CYCLE, Cause.TO_SALESFORCE, Cause.TO_PLATFORM} <= causes
    assert all(x.because for x in lines(folder, BOTH))
