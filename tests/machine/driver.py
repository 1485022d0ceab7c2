"""Random people, random faults, random deaths; and an oracle that was written without looking at the merge.

The oracle is a plain dictionary: what people last typed, per side, record and field, and who typed since both sides
were last seen equal (an *epoch*). When faults stop and conflicts are decided it knows, per owner, what must be there.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sfsync.errors import SfsyncError
from sfsync.mapping.model import FieldSpec, Mapping
from sfsync.sides.memory import Died
from tests.machine.world import COMPANY, MAPPINGS, SHOP, TICKET, World

P, S = "platform", "salesforce"
Cell = tuple[str, str, str]  # mapping, key, field
WAIVED = ("COLUMN_NULL", "SIDE_EMPTY")  # worlds this small are emptied by chance
SIDES = (("salesforce", "platform"), ("platform", "salesforce"))
WORDS = ["rosso", "verde", "blu", "giallo", "nero", None]
VALUES: dict[str, list[str | None]] = {
    "opted_out": ["true", "false"],
    "answered": [None, *(f"2026-03-0{d}T10:00:00Z" for d in range(1, 6))],
    "name": ["Uno", "Due", "Tre", "Quattro"],
    "status": ["New", "Open", "Closed"],
}


@dataclass
class Oracle:
    """What people typed. ``typed[side][cell]`` is the last value a person gave; ``who[cell]`` the sides since then.

    ``agreed`` is what both sides held when they were last equal; ``loose`` are records whose history this oracle does
    not follow any more until the next epoch (deleted, vanished, created twice): for them only equality is asked.
    """

    typed: dict[str, dict[Cell, str | None]] = field(default_factory=lambda: {P: {}, S: {}})
    who: dict[Cell, set[str]] = field(default_factory=dict)
    agreed: dict[Cell, str | None] = field(default_factory=dict)
    loose: set[tuple[str, str]] = field(default_factory=set)

    def type(self, side: str, mapping: str, key: str, values: dict[str, str | None]) -> None:
        """A person types."""
        for name, value in values.items():
            cell = (mapping, key, name)
            self.typed[side][cell] = value
            self.who.setdefault(cell, set()).add(side)

    def epoch(self, seen: dict[Cell, str | None]) -> None:
        """Both sides were seen equal."""
        self.agreed, self.who, self.loose = dict(seen), {}, set()
        self.typed = {P: {}, S: {}}

    def wrong(self, spec: FieldSpec, cell: Cell, found: str | None) -> str | None:
        """Why this final value cannot be right, or None."""
        if cell[:2] in self.loose or cell not in self.agreed:
            return None
        before, sides = self.agreed[cell], self.who.get(cell, set())
        last = {side: self.typed[side].get(cell, before) for side in (P, S)}
        allowed = _allowed(spec, before, last, sides)
        if allowed is not None and found not in allowed:
            return f"{cell} owner {spec.owner}: was {before}, people typed {last} ({sides}), found {found}"
        return None


def _allowed(
    spec: FieldSpec, before: str | None, last: dict[str, str | None], sides: set[str]
) -> set[str | None] | None:
    """The final values that lose nobody's work; None if the oracle does not know."""
    owner = spec.owner.value
    if owner == P:
        return {last[P]}
    if owner == S:
        return {last[S]}
    if owner == "stricter":
        return {"true"} if "true" in (last[P], last[S]) else {"true", "false"}
    if owner == "earliest":
        given = [v for v in last.values() if v]
        return {v for v in (*given, before, *VALUES["answered"]) if v and v <= min(given)} if given else None
    if len(sides) == 1:
        return {last[next(iter(sides))]}
    return {last[P], last[S]}


class Driver:
    """Plays ``steps`` random steps in a world, from one seed."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.dice, self.oracle = world, random.Random(seed), Oracle()
        self.keys: dict[str, list[str]] = {m: [] for m in MAPPINGS}  # living on the platform, as far as people know
        self.made = 0
        self.syncs = self.deaths = self.errors = 0
        self.story: list[str] = []

    # -- people

    def create(self) -> None:
        """Somebody creates a record on the platform."""
        mapping = self.dice.choice(list(MAPPINGS.values()))
        values = self._row(mapping)
        if values is None:
            return
        self.made += 1
        key = f"{mapping.name[0].upper()}-{self.made}"
        self._put(P, mapping, key, values)
        self.keys[mapping.name].append(key)

    def born(self) -> None:
        """An agent opens a ticket in Salesforce, where it has no key yet."""
        shops = list(self.world.salesforce.peek(SHOP))
        self.made += 1
        number = f"{self.made:05}"
        key = f"SF-{number}"
        values = {"shop": self.dice.choice([*shops, None]), "subject": self._value("subject"), "number": number}
        values["status"] = self.dice.choice(["New", "Open", None])
        self.world.salesforce.put(TICKET, {key: values}, keyless=True)
        self.oracle.loose.add((TICKET.name, key))
        self.story.append(f"born {key} {values}")

    def edit(self) -> None:
        """Somebody edits one to three cells of a record, on either side."""
        side = self.dice.choice([P, S])
        mapping = self.dice.choice(list(MAPPINGS.values()))
        there = self._known(side, mapping)
        if not there:
            return
        key = self.dice.choice(there)
        names = self.dice.sample(mapping.columns, min(self.dice.randint(1, 3), len(mapping.columns)))
        values = {n: self._cell(side, mapping, n) for n in names if n != "number"}
        values = {n: v for n, v in values.items() if v is not ...}
        if values:
            self._put(side, mapping, key, values)

    def both(self) -> None:
        """Two people edit the same cell on both sides."""
        mapping = self.dice.choice([COMPANY, SHOP, TICKET])
        shared = sorted(set(self._known(P, mapping)) & set(self._known(S, mapping)))
        if shared:
            key, name = self.dice.choice(shared), self.dice.choice(["note", "agreed", "phone", "status", "subject"])
            if name in mapping.columns:
                for side in self.dice.sample([P, S], 2):
                    self._put(side, mapping, key, {name: self._value(name)})
                    self.world.advance(self.dice.choice([0, 1, 30]))

    def delete(self) -> None:
        """Somebody deletes a record in Salesforce."""
        mapping = self.dice.choice(list(MAPPINGS.values()))
        there = self._known(S, mapping)
        if there:
            key = self.dice.choice(there)
            self.world.salesforce.remove(mapping, [key])
            self._forget_links(mapping, key)
            self.story.append(f"delete s {mapping.name} {key}")

    def vanish(self) -> None:
        """A row vanishes from the platform."""
        mapping = self.dice.choice([SHOP, TICKET])
        if self.keys[mapping.name]:
            key = self.dice.choice(self.keys[mapping.name])
            self.keys[mapping.name].remove(key)
            self.world.platform.remove(mapping, [key])
            self.oracle.loose.add((mapping.name, key))
            self.story.append(f"vanish p {mapping.name} {key}")

    def wait(self) -> None:
        """Time passes: a moment, or so long that windows move on."""
        seconds = self.dice.choice([1, 20, 200, 4000, 90_000])
        self.world.advance(seconds)
        self.story.append(f"wait {seconds}")

    # -- faults

    def fault(self) -> None:
        """Something will go wrong."""
        side = self.world.side(self.dice.choice([P, S]))
        kind = self.dice.choice(
            ["lose_reply", "lose_request", "unreachable", "refuse", "lock", "spoil", "budget", "hide", "calm"]
        )
        self.story.append(f"fault {side.capabilities.name} {kind}")
        if kind in ("lose_reply", "lose_request", "unreachable"):
            setattr(side.faults, kind, self.dice.randint(1, 2))
        elif kind in ("refuse", "lock"):
            rows = sorted(k for m in MAPPINGS.values() for k in side.peek(m))
            for key in self.dice.sample(rows, min(2, len(rows))):
                side.faults.refuse[key] = "data" if kind == "refuse" else "lock"
        elif kind == "spoil":
            self._spoil()
        elif kind == "budget":
            self.world.salesforce.faults.budget = self.dice.randint(0, 3)  # type: ignore[attr-defined]
        elif kind == "hide":
            mapping = self.dice.choice([COMPANY, SHOP])
            side.hide(mapping, self.dice.choice(["note", "phone", "name", "agreed"]))
        else:
            self.world.calm()

    def _spoil(self) -> None:
        """A platform value that cannot be made canonical: its record must not be written as it is."""
        rows = self._known(P, SHOP)
        if rows:
            self.world.platform.spoil(SHOP, self.dice.choice(rows), self.dice.choice(["name", "phone"]), "VALUE_FORMAT")

    def die(self) -> None:
        """The next run will be killed, if it gets that far."""
        if self.dice.random() < 0.5:
            self.world.kill.statements = self.dice.randint(0, 250)
            return
        faults = self.world.side(self.dice.choice([P, S])).faults
        faults.die_at = self.dice.choice(["read", "fetch", "before_commit", "after_commit", "after_commit"])
        faults.die_after = self.dice.randint(0, 4)

    # -- runs

    def sync(self) -> None:
        """A run, of all mappings or some, that may fail, stop or die; its sums close."""
        names = self.dice.choice([[], [], [], ["company", "shop"], ["ticket"]])
        if self.dice.random() < 0.4:
            self.die()
        self._run(names, full=self.dice.random() < 0.2)

    def sync_all(self) -> None:
        """A run of everything."""
        self._run([], full=True)

    def _run(self, names: list[str], *, full: bool) -> None:
        self.syncs += 1
        try:
            result = self.world.sync(*names, full=full, waive=WAIVED)
        except Died:
            self.deaths += 1
            self.story.append("sync died")
            return
        except SfsyncError as error:
            self.errors += 1
            self.story.append(f"sync {error.code}")
            return
        self.story.append(f"sync {names} exit {result.exit}")
        self._closed(result)

    def decide(self) -> None:
        """A person works the inbox."""
        if self.dice.random() < 0.3:
            self.story.append(f"decided {self.world.decide(self.dice.choice)}")

    def step(self) -> None:
        """One random step."""
        rules: list[tuple[Callable[[], None], int]] = [
            (self.create, 4),
            (self.edit, 9),
            (self.both, 2),
            (self.born, 1),
            (self.delete, 1),
            (self.vanish, 1),
            (self.wait, 4),
            (self.fault, 3),
            (self.sync, 5),
            (self.decide, 1),
        ]
        self.world.advance(self.dice.choice([0, 1, 1, 5]))
        self.dice.choices([r for r, _ in rules], [w for _, w in rules])[0]()

    def play(self, steps: int, epoch: int) -> None:
        """So many steps; after every ``epoch`` of them, and at the end, everything is settled and compared."""
        for number in range(1, steps + 1):
            self.step()
            if number % epoch == 0 or number == steps:
                self.settle()

    # -- the end of an epoch

    def settle(self) -> None:
        """Faults stop, people decide and retry; then everything the oracle promises must hold."""
        world = self.world
        world.calm()
        world.kill.statements = None
        for _ in range(8):
            world.retry()
            if self._quiet() and not world.decide(self.dice.choice):
                break
        else:
            raise AssertionError(f"the runs do not come to rest\n{world.conflicts()}")
        self._check()

    def _quiet(self) -> bool:
        """One more full run; True if it found nothing to write."""
        self.world.advance(1)
        result = self.world.sync(full=True, waive=WAIVED)
        self._closed(result)
        return not _written(result)

    def _check(self) -> None:
        world = self.world
        assert not len(world.conflicts()), world.conflicts()
        seen: dict[Cell, str | None] = {}
        wrong: list[str] = []
        for mapping in MAPPINGS.values():
            self._no_twins(mapping)
            here, there = world.platform.peek(mapping), world.salesforce.peek(mapping)
            missing = set(here) - set(there) if mapping is not TICKET else set()
            wrong += [f"{mapping.name} {k} is not in Salesforce" for k in sorted(missing) if self._possible(mapping, k)]
            for key in sorted(k for k in set(here) & set(there) if self._possible(mapping, k)):
                for spec in mapping.synced:
                    cell, p, s = (mapping.name, key, spec.name), here[key][spec.name], there[key][spec.name]
                    seen[cell] = p
                    if p != s and self._must_equal(spec, p, s):
                        wrong.append(f"{cell}: {p} on the platform, {s} in Salesforce")
                    wrong += [w for w in [self.oracle.wrong(spec, cell, p)] if w and spec.owner.value != S]
                    wrong += [w for w in [self.oracle.wrong(spec, cell, s)] if w and spec.owner.value == S]
        assert not wrong, "\n".join(wrong)
        self.oracle.epoch(seen)
        self.story.clear()

    def _must_equal(self, spec: FieldSpec, p: str | None, s: str | None) -> bool:
        """Two silences are no difference: a Salesforce-owned null that was never agreed on stays as it is."""
        return not (spec.owner.value == S and s is None and not spec.seed)

    def _possible(self, mapping: Mapping, key: str) -> bool:
        """A record whose parent is gone for good stays held."""
        row = self.world.platform.peek(mapping)[key]
        for name, (parent, _) in mapping.references().items():
            if row[name] is not None and row[name] not in self.world.salesforce.peek(MAPPINGS[parent]):
                return False
        return True

    def _no_twins(self, mapping: Mapping) -> None:
        rows = [r for r in self.world.salesforce._rows(mapping) if not r.deleted]
        keys = [r.key for r in rows]
        assert len(keys) == len(set(keys)), f"twins in {mapping.name}: {sorted(keys)}"
        assert not any(r.keyless for r in rows), "a record born in Salesforce never got its key"

    def _closed(self, result: Any) -> None:
        for name, part in result.mappings.items():
            for side, source in SIDES:
                total = sum(part[side].values()) + part["conflicts"]
                assert total == part["read"][source], f"{name} {side}: the sum does not close: {part}"
        assert "SUM_OPEN" not in [f.code for f in result.findings]

    # -- helpers

    def _put(self, side: str, mapping: Mapping, key: str, values: dict[str, str | None]) -> None:
        self.world.side(side).put(mapping, {key: values})
        self.oracle.type(side, mapping.name, key, values)
        self.story.append(f"{side} {mapping.name} {key} {values}")

    def _known(self, side: str, mapping: Mapping) -> list[str]:
        """Living records people can find by key."""
        rows = self.world.side(side)._rows(mapping)
        return sorted(r.key for r in rows if not r.deleted and not r.keyless)

    def _row(self, mapping: Mapping) -> dict[str, str | None] | None:
        values = {n: self._cell(P, mapping, n) for n in mapping.columns if n not in ("number", "before")}
        if mapping is SHOP and values["company"] in (None, ...):
            return None
        return {n: None if v is ... else v for n, v in values.items()}

    def _cell(self, side: str, mapping: Mapping, name: str) -> Any:
        """A value for a cell; ``...`` if there is none to choose."""
        references = mapping.references()
        if name not in references:
            return self._value(name)
        parent = MAPPINGS[references[name][0]]
        known = self.keys[parent.name] if side == P else sorted(self.world.salesforce.peek(parent))
        known = [k for k in known if k in self.world.platform.peek(parent)]
        return self.dice.choice(known) if known else ...

    def _value(self, name: str) -> str | None:
        return self.dice.choice(VALUES.get(name, WORDS))

    def _forget_links(self, mapping: Mapping, key: str) -> None:
        """Deleting a record empties the lookups to it, as Salesforce does; nobody typed that."""
        self.oracle.loose.add((mapping.name, key))


def _written(result: Any) -> dict[Any, Any]:
    words = ("created", "updated", "archived")
    return {
        (m, s): {w: part[s][w] for w in words if part[s][w]}
        for m, part in result.mappings.items()
        for s in (P, S)
        if any(part[s][w] for w in words)
    }
