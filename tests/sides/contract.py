"""What every side must do. A side's tests subclass ``SideContract`` and give it a ``world``."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.sides.side import TEXT, Outcomes, Records, Side, Window, Write, concat

COMPANY = Mapping.model_validate(
    {
        "mapping": "company",
        "platform": {"table": "companies", "key": "company_code", "settle": "PT0S", "overlap": "PT0S"},
        "salesforce": {
            "object": "Account",
            "key": "SFS_Company_Code__c",
            "record_type": "Partner_Company",
            "settle": "PT0S",
            "overlap": "PT0S",
        },
        "fields": {
            "name": {
                "platform": "legal_name",
                "salesforce": "Name",
                "owner": "newest",
                "required": True,
                "length": 255,
            },
            "sdi": {"platform": "sdi_code", "salesforce": "SFS_Sdi__c", "owner": "newest", "type": "code", "length": 7},
            "pec": {"platform": "pec", "salesforce": "SFS_Pec__c", "owner": "newest", "type": "email"},
            "verified_at": {
                "platform": "iban_verified_at",
                "salesforce": "SFS_Iban_Verified_At__c",
                "owner": "newest",
                "type": "instant",
            },
            "state": {"platform": "state", "salesforce": "SFS_State__c", "owner": "newest", "required": True},
        },
    }
)
FIELDS = COMPANY.columns
PLAIN = {"name": "Rossi S.r.l.", "sdi": "0A1B2C3", "pec": "rossi@pec.example", "verified_at": None, "state": "active"}
# Texts that break quoting, CSV null marks, trimming of zeros, and character sets.
HARD_NAMES = (
    'L\'Aquila "Giochi" & <Figli>',
    "a,b;c|d\te",
    "back\\slash \\n %s %(x)s :name {0}",
    "'; DROP TABLE companies; --",
    "#N/A",
    "NA",
    "null",
    "nan",
    "None",
    "TRUE",
    "007",
    "1e5",
    "=1+1",
    "Zoè Müller ŁÓDŹ Ελλάς 日本",
    "emoji 🎲",
    "two\nlines",
)


class World(Protocol):
    """A side under test and what other people can do behind its back."""

    side: Side

    def put(self, rows: Dict[str, dict[str, str | None]]) -> None:
        """Create or edit records as somebody else; canonical values by field name."""

    def remove(self, keys: Sequence[str]) -> None:
        """Delete records as somebody else."""


@dataclass
class Hand:
    """Shorthand for the calls of the tests."""

    side: Side

    def window(self, since: Any = None) -> Window:
        return self.side.window(COMPANY, since)

    def changes(self, since: Any = None) -> Records:
        return concat(COMPANY, list(self.side.changes(COMPANY, self.window(since))))

    def fetch(self, *keys: str) -> Records:
        return self.side.fetch(COMPANY, pd.Index(pd.array(keys, dtype=TEXT)))

    def write(
        self, kind: str, rows: Dict[str, dict[str, str | None]], ids: Sequence[Any] | None = None
    ) -> pd.DataFrame:
        return pd.concat([o.rows for o in self.batches(kind, rows, ids)])

    def batches(
        self, kind: str, rows: Dict[str, dict[str, str | None]], ids: Sequence[Any] | None = None
    ) -> list[Outcomes]:
        index = pd.Index(pd.array(list(rows), dtype=TEXT), name="key")
        names = [f for f in FIELDS if any(f in r for r in rows.values())]
        values = pd.DataFrame({f: pd.array([r.get(f) for r in rows.values()], dtype=TEXT) for f in names}, index=index)
        touched = np.array([[f in r for f in names] for r in rows.values()]).reshape(len(rows), len(names))
        own = pd.Series(pd.array([None] * len(rows) if ids is None else list(ids), dtype=TEXT), index=index)
        return list(self.side.write(COMPANY, Write(kind, index, own, values, touched)))


def row(records: Records, key: str) -> dict[str, str | None]:
    """The values of one record, null as None."""
    return {n: None if pd.isna(v) else v for n, v in records.values.loc[key].items()}


class SideContract:
    """Every test of the contract; a subclass has a fixture ``world``."""

    many = 450

    def test_nothing_is_there(self, world: World) -> None:
        hand = Hand(world.side)
        assert len(hand.changes()) == 0
        found = hand.fetch("C-1")
        assert len(found) == 0
        assert found.observed == frozenset(FIELDS)

    def test_frames_have_the_promised_shape(self, world: World) -> None:
        world.put({"C-1": PLAIN, "C-2": PLAIN})
        hand = Hand(world.side)
        for records in (hand.changes(), hand.fetch("C-1", "C-2")):
            assert tuple(records.values.columns) == FIELDS
            assert all(t == TEXT for t in records.values.dtypes)
            assert records.values.index.dtype == TEXT
            assert list(records.meta.columns[:5]) == ["id", "stamp", "deleted", "survivor", "keyless"]
            assert records.meta.index.equals(records.values.index)
            assert records.meta["stamp"].str.endswith("Z").all()
            assert records.meta["id"].notna().all()
            assert not records.meta["deleted"].any()
            assert list(records.problems.columns) == ["key", "field", "code"]

    def test_what_others_wrote_is_read(self, world: World) -> None:
        world.put({"C-1": {**PLAIN, "verified_at": "2026-10-25T01:30:00Z"}})
        assert row(Hand(world.side).changes(), "C-1") == {**PLAIN, "verified_at": "2026-10-25T01:30:00Z"}

    def test_create_and_read_back(self, world: World) -> None:
        hand = Hand(world.side)
        outcomes = hand.write("create", {"C-1": PLAIN, "C-2": {**PLAIN, "name": "Verdi"}})
        assert outcomes["result"].tolist() == ["created", "created"]
        assert outcomes["id"].notna().all()
        found = hand.fetch("C-1", "C-2")
        assert row(found, "C-1") == PLAIN
        assert found.meta["id"].loc[["C-1", "C-2"]].tolist() == outcomes["id"].tolist()

    def test_a_second_create_makes_no_twin(self, world: World) -> None:
        hand = Hand(world.side)
        hand.write("create", {"C-1": PLAIN})
        outcomes = hand.write("create", {"C-1": {**PLAIN, "name": "Verdi"}})
        assert outcomes["result"].tolist() == ["updated"]
        assert len(hand.changes()) == 1
        assert row(hand.fetch("C-1"), "C-1")["name"] == "Verdi"

    def test_hard_texts_survive(self, world: World) -> None:
        hand = Hand(world.side)
        rows = {f"C-{i}": {**PLAIN, "name": name} for i, name in enumerate(HARD_NAMES)}
        assert set(hand.write("create", rows)["result"]) == {"created"}
        found = hand.changes()
        assert {k: row(found, k)["name"] for k in rows} == {k: r["name"] for k, r in rows.items()}

    def test_update_changes_touched_cells_only(self, world: World) -> None:
        world.put({"C-1": PLAIN, "C-2": PLAIN})
        hand = Hand(world.side)
        ids = hand.fetch("C-1", "C-2").meta["id"].loc[["C-1", "C-2"]].tolist()
        outcomes = hand.write("update", {"C-1": {"name": "Verdi"}, "C-2": {"pec": None}}, ids)
        assert outcomes["result"].tolist() == ["updated", "updated"]
        found = hand.fetch("C-1", "C-2")
        assert row(found, "C-1") == {**PLAIN, "name": "Verdi"}
        assert row(found, "C-2") == {**PLAIN, "pec": None}

    def test_an_untouched_cell_is_not_cleared_by_its_null(self, world: World) -> None:
        world.put({"C-1": PLAIN})
        hand = Hand(world.side)
        hand.write("update", {"C-1": {"name": "Verdi"}}, hand.fetch("C-1").meta["id"].tolist())
        assert row(hand.fetch("C-1"), "C-1")["pec"] == PLAIN["pec"]

    def test_stamps_only_go_forward(self, world: World) -> None:
        world.put({"C-1": PLAIN})
        hand = Hand(world.side)
        stamps = [hand.fetch("C-1").meta["stamp"].iloc[0]]
        for name in ("Uno", "Due", "Tre"):
            hand.write("update", {"C-1": {"name": name}}, hand.fetch("C-1").meta["id"].tolist())
            stamps.append(hand.fetch("C-1").meta["stamp"].iloc[0])
        assert stamps == sorted(stamps)

    def test_a_change_is_in_the_next_window(self, world: World) -> None:
        world.put({"C-1": PLAIN, "C-2": PLAIN})
        hand = Hand(world.side)
        until = hand.window().until
        hand.write("update", {"C-2": {"name": "Verdi"}}, hand.fetch("C-2").meta["id"].tolist())
        assert "C-2" in hand.changes(until).values.index
        assert len(hand.changes(until + timedelta(hours=1))) == 0

    def test_reading_changes_nothing(self, world: World) -> None:
        world.put({f"C-{i}": PLAIN for i in range(5)})
        hand = Hand(world.side)
        first, second = hand.changes(), hand.changes()
        pd.testing.assert_frame_equal(first.values, second.values)
        pd.testing.assert_frame_equal(first.meta, second.meta)

    def test_fetch_leaves_out_what_is_not_there(self, world: World) -> None:
        world.put({"C-1": PLAIN})
        found = Hand(world.side).fetch("C-0", "C-1", "C-2")
        assert found.values.index.tolist() == ["C-1"]

    def test_fetch_by_own_id(self, world: World) -> None:
        world.put({"C-1": PLAIN, "C-2": PLAIN})
        hand = Hand(world.side)
        known = hand.fetch("C-1", "C-2").meta["id"]
        found = world.side.fetch(COMPANY, known.index, known)
        assert sorted(found.values.index) == ["C-1", "C-2"]

    def test_many_rows_one_outcome_each(self, world: World) -> None:
        hand = Hand(world.side)
        rows = {f"C-{i:05d}": {**PLAIN, "name": f"Ditta {i}"} for i in range(self.many)}
        outcomes = hand.write("create", rows)
        assert outcomes.index.tolist() == list(rows)
        assert set(outcomes["result"]) == {"created"}
        assert len(hand.fetch(*rows)) == self.many
        assert sorted(hand.changes().values.index) == sorted(rows)

    def test_a_bad_row_fails_alone(self, world: World) -> None:
        world.put({f"C-{i}": PLAIN for i in range(20)})
        hand = Hand(world.side)
        keys = [f"C-{i}" for i in range(20)]
        ids = hand.fetch(*keys).meta["id"].loc[keys].tolist()
        rows: dict[str, dict[str, str | None]] = {k: {"name": "Verdi"} for k in keys}
        rows["C-13"] = {"name": None}
        outcomes = hand.write("update", rows, ids)
        assert outcomes.index[outcomes["result"] == "failed"].tolist() == ["C-13"]
        assert (outcomes["result"] == "updated").sum() == 19
        bad = outcomes.loc["C-13"]
        assert bad["code"] and bad["fields"] and bad["reason"]
        assert bad["kind_of_failure"] == "data"
        found = hand.fetch(*keys)
        assert row(found, "C-13") == PLAIN
        assert row(found, "C-14")["name"] == "Verdi"

    def test_an_update_never_creates(self, world: World) -> None:
        world.put({"C-1": PLAIN, "C-2": PLAIN})
        hand = Hand(world.side)
        ids = hand.fetch("C-1", "C-2").meta["id"].loc[["C-1", "C-2"]].tolist()
        world.remove(["C-1"])
        outcomes = hand.write("update", {"C-1": {"name": "Verdi"}, "C-2": {"name": "Verdi"}}, ids)
        assert outcomes["result"].loc["C-1"] in ("moved", "failed")
        assert outcomes["result"].loc["C-2"] == "updated"
        assert hand.fetch("C-1", "C-2").values.index.tolist() == ["C-2"]

    def test_delete(self, world: World) -> None:
        world.put({"C-1": PLAIN, "C-2": PLAIN})
        hand = Hand(world.side)
        outcomes = hand.write("delete", {"C-1": {}}, hand.fetch("C-1").meta["id"].tolist())
        assert outcomes["result"].tolist() == ["deleted"]
        assert hand.fetch("C-1", "C-2").values.index.tolist() == ["C-2"]

    def test_deletions_are_seen_where_promised(self, world: World) -> None:
        world.put({"C-1": PLAIN, "C-2": PLAIN})
        world.remove(["C-1"])
        found = Hand(world.side).changes()
        gone = found.meta.index[found.meta["deleted"]].tolist()
        assert gone == (["C-1"] if world.side.capabilities.sees_deletes else [])
        assert "C-2" in found.values.index

    def test_identity_is_stable_and_holds_no_secret(self, world: World) -> None:
        assert world.side.identity() == world.side.identity()
        assert "@" not in world.side.identity()

    def test_the_schema_fits(self, world: World) -> None:
        assert [f for f in world.side.check(COMPANY) if f.level == "error"] == []
