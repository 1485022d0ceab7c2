"""Opportunities: what follows from their stage, amount and close date. Source: vendor object reference, Opportunity."""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored, whole
from sfsync.rehearsal.dml.work import Rules, Work


class OpportunityRules(Rules):
    """A stage sets IsClosed, IsWon and the forecast category, and the probability unless one is given with it."""

    needs = frozenset({"StageName", "Probability", "Amount", "CloseDate", "ForecastCategoryName"})

    def before_insert(self, work: Work, batch: Batch) -> None:
        self._follow(work, batch, None, [True] * batch.size)

    def before_update(self, work: Work, batch: Batch, old: Stored) -> None:
        moved = [now != was for now, was in zip(whole(batch, old, "StageName"), old["StageName"], strict=True)]
        self._follow(work, batch, old, moved)

    def _follow(self, work: Work, batch: Batch, old: Stored | None, moved: list[bool]) -> None:
        known = {one["MasterLabel"]: one for one in work.schema.settings.get("opportunity_stages", ())}
        stages = [known.get(one, {}) for one in whole(batch, old, "StageName")]
        batch.columns["IsClosed"] = [bool(one.get("IsClosed")) for one in stages]
        batch.columns["IsWon"] = [bool(one.get("IsWon")) for one in stages]
        batch.columns["ForecastCategory"] = [one.get("ForecastCategory", "Pipeline") for one in stages]
        self._set(batch, old, "Probability", moved, [one.get("DefaultProbability") for one in stages])
        names = [one.get("ForecastCategoryName", "Pipeline") for one in stages]
        self._set(batch, old, "ForecastCategoryName", moved, names)
        self._derive(batch, old)

    def _set(self, batch: Batch, old: Stored | None, name: str, moved: list[bool], usual: list[Any]) -> None:
        """The stage's value where the stage has moved and the caller gives none of his own."""
        given, kept = batch.values(name), whole(batch, old, name)
        rows = zip(moved, given, kept, usual, strict=True)
        batch.columns[name] = [(new if mine is None else mine) if stage else now for stage, mine, now, new in rows]

    def _derive(self, batch: Batch, old: Stored | None) -> None:
        amounts, chances = whole(batch, old, "Amount"), batch.columns["Probability"]
        batch.columns["ExpectedRevenue"] = [
            None if amount is None else round(amount * (chance or 0) / 100, 2)
            for amount, chance in zip(amounts, chances, strict=True)
        ]
        dates = whole(batch, old, "CloseDate")
        batch.columns["FiscalYear"] = [int(one[:4]) if one else None for one in dates]
        batch.columns["FiscalQuarter"] = [(int(one[5:7]) + 2) // 3 if one else None for one in dates]
        batch.columns["Fiscal"] = [f"{one[:4]} {(int(one[5:7]) + 2) // 3}" if one else None for one in dates]
