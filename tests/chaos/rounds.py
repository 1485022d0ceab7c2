"""One round of chaos: edits, runs that meet faults, calm, and then the question whether all is well."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.faults import Trouble, Troubles
from tests.chaos.model import ABSENT, Cell
from tests.chaos.nursery import Child
from tests.chaos.people import People, Record
from tests.chaos.stage import Look, Stage
from tests.chaos.watched import BY_MAPPING

ENDS = {0, 3, 4, 6, 9}  # how a run may end that meets faults; 2 with a code of CODES, -9 if it was killed
CODES = {"LEDGER_FULL", "LEDGER_BUSY", "LEDGER_IO", "DISK_FULL"}
MOST_RUNS = 8  # fault-free runs until nothing is left to do
SIDES = (("salesforce", "platform"), ("platform", "salesforce"))


class Broken(AssertionError):
    """A promise was broken."""


@dataclass
class Ended:
    """How a run ended: exit status, its JSON document, what it said."""

    exit: int
    doc: dict[str, Any]
    err: str

    @property
    def written(self) -> dict[str, int]:
        """What it wrote, by mapping, side and word."""
        words = ("created", "updated", "archived")
        parts = [
            (m, s, part[s]) for m, part in self.doc.get("mappings", {}).items() for s in ("salesforce", "platform")
        ]
        return {f"{m} {s} {w}": n[w] for m, s, n in parts for w in words if n[w]}


class Rounds:
    """Rounds of one world; ``play`` plays one and raises ``Broken``."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage, self.seed = stage, seed
        self.cells: dict[Record, dict[str, Cell]] = {}
        self.gone: dict[Record, str] = {}
        self.people = People(stage, self.cells, self.gone)
        self.troubles = Troubles(stage)
        self.story: list[str] = []
        self.runs, self.struck = Counter[str](), Counter[str]()
        self.before = Look()
        self.second: Child | None = None

    # -- a round

    def begin(self) -> None:
        """The first sync, and what both sides hold after it."""
        self._quiet()
        self._rest(self.stage.look())

    def play(self, number: int) -> None:
        """Round ``number``: the same seed and number draw the same edits and troubles."""
        dice = random.Random(f"{self.seed}/{number}")
        self.story.clear()
        self.people.story = self.story
        self.people.made = number * 100
        for stage in range(dice.choice([1, 1, 2, 3])):
            look = self.before if not stage else self.stage.look()
            self.people.play(dice, look, dice.randint(1, 8), at_rest=not stage)
            self._troubled_run(dice)
        self._judge(dice)

    def _troubled_run(self, dice: random.Random) -> None:
        look = self.stage.look()
        trouble = self.troubles.draw(dice)
        names = dice.choice([[], [], [], ["shop"], ["player"], ["company", "shop"], ["case"]])
        full = ["--full"] if dice.random() < 0.2 else []
        self.story.append(
            f"run {' '.join(names)} {''.join(full)} meets {trouble} {trouble.environment} {trouble.numbers}"
        )
        busy = [self._disturbed(trouble, dice, look)] if dice.random() < 0.4 else []
        if busy:
            self._ran(names, look, faults=True)  # the run may come before the edit, or after it
        with self.troubles.at_work(trouble):
            ended = [self._run([*names, *full], trouble)]
            if self.second is not None:
                ended.append(self._ended(self.second, self.second.end(within_s=120)))
        self.struck += self.stage.calm()
        self._ran(names, look, faults=True, busy=busy)
        for one in ended:
            if one.exit not in (ENDS | {-9} | ({7} if trouble.twin else set())) and not _excused(one):
                raise Broken(f"a run must not end with {one.exit} {_code(one)}: {one.err[-3000:]}")

    def _disturbed(self, trouble: Trouble, dice: random.Random, look: Look) -> list[Record]:
        """Somebody will edit a record while the run is at work; it will stand in the list."""
        found: list[Record] = []
        own, after = random.Random(dice.random()), dice.uniform(0.1, 1.0) * self.troubles.typical_s

        def edit() -> None:
            time.sleep(after)
            found.append(self.people.meanwhile(own, look))

        trouble.meanwhile.append(edit)
        return found

    def _run(self, arguments: list[str], trouble: Trouble | None = None) -> Ended:
        trouble = trouble or Trouble()
        told = ["--config", str(self.stage.world.toml), "sync", "--json", *arguments]
        started = time.monotonic()
        child = self.stage.nursery.start(told, environment=trouble.environment, numbers=trouble.numbers, log="run")
        self.second = self.stage.nursery.start(told, numbers=trouble.numbers, log="second") if trouble.twin else None
        kill = trouble.kill_after_s
        status = child.end(within_s=kill) if kill is not None else child.end(within_s=120)
        if kill is None and status == -9 and "SFSYNC_FAULTPOINT" not in trouble.environment:
            raise Broken(f"a run did not end within {time.monotonic() - started:.0f} s")
        ended = self._ended(child, status)
        if not trouble.names and status in (0, 3, 4):
            self.troubles.typical_s = 0.7 * self.troubles.typical_s + 0.3 * (time.monotonic() - started)
        return ended

    def _ended(self, child: Child, status: int) -> Ended:
        out = child.out.strip()
        ended = Ended(status, json.loads(out) if out.startswith("{") and out.endswith("}") else {}, child.err)
        self.story.append(f"  ended with {status} {_code(ended)} {ended.written}")
        self.runs[str(status)] += 1
        self._closed(ended)
        return ended

    def _ran(self, names: list[str], look: Look, *, faults: bool, busy: Sequence[list[Record]] = ()) -> None:
        """A run looked at these mappings. ``busy``: records edited meanwhile; their stamps moved, nobody knows when."""
        edited = {record for found in busy for record in found}
        for record, cells in self.cells.items():
            if not names or record[0] in names:
                for cell in cells.values():
                    cell.ran(None if record in edited else look.later(record), faults=faults)

    # -- calm

    def _quiet(self) -> None:
        """Runs without faults until nothing waits; refused rows are tried again, as a person would. Then a full run
        must find nothing left to do: no window missed anything."""
        self._until_nothing_waits()
        look = self.stage.look()
        if ended := self._run(["--full"]).written:
            raise Broken(f"a full run after a run without faults wrote {ended}")
        self._ran([], look, faults=False)

    def _until_nothing_waits(self) -> None:
        for _ in range(MOST_RUNS):
            look = self.stage.look() if self.cells else Look()
            self._command("failures", "retry")
            ended = self._run([])
            if ended.exit not in (0, 3, 4):
                raise Broken(f"a run without faults ended with {ended.exit} {_code(ended)}: {ended.err[-3000:]}")
            self._ran([], look, faults=True)
            if not _waiting(ended):
                return
        raise Broken(f"the runs do not come to rest: {ended.doc}")

    def _judge(self, dice: random.Random) -> None:
        """Calm runs, then everything is compared; people decide; then both sides must be equal."""
        self._quiet()
        look = self.stage.look()
        inbox = self._conflicts()
        self._possible(look, inbox)
        for conflict, record, column in inbox:
            take = self._decide(conflict, dice.choice(["platform", "salesforce"]))
            self.story.append(f"decided {record} {column}: {take}")
            self.cells[record][column].decided(take)
        if inbox:
            self._quiet()
            look = self.stage.look()
            self._possible(look, [])
        self._whole(look)
        self._rest(look)

    def _decide(self, conflict: str, take: str) -> str:
        """A person decides; where the field goes one way only, as the refusal says."""
        ran = self.stage.world.run("conflicts", "resolve", conflict, "--take", take)
        if "CONFLICT_ONE_WAY" in ran.err:
            take = "salesforce" if take == "platform" else "platform"
        self._command("conflicts", "resolve", conflict, "--take", take)
        return take

    def _command(self, *arguments: str) -> Any:
        ran = self.stage.world.run(*arguments)
        if ran.exit not in (0, 3, 4):
            raise Broken(f"{' '.join(arguments)} ended with {ran.exit}: {ran.err}")
        return ran

    def _conflicts(self) -> list[tuple[str, Record, str]]:
        rows = json.loads(self._command("conflicts", "--json").out)
        return [(r["conflict_id"], (r["mapping"], r["key"]), r["field"]) for r in rows]

    # -- the checker

    def _possible(self, look: Look, inbox: list[tuple[str, Record, str]]) -> None:
        """Every watched cell holds what the model allows; what differs waits in the inbox, and nothing else does."""
        asked = {(record, column) for _, record, column in inbox}
        wrong = list(look.wrong)
        for record, cells in self.cells.items():
            for column, cell in cells.items():
                p, s = look.cells.get(record, {}).get(column, (ABSENT, ABSENT))
                said = cell.wrong(p, s)
                if said:
                    wrong.append(f"{record} {column}: {said}")
                elif p != s and (record, column) not in asked:
                    wrong.append(
                        f"{record} {column}: {p!r}|{s!r} differ, and nobody is asked; {' → '.join(cell.story)}"
                    )
                elif p == s and (record, column) in asked:
                    wrong.append(f"{record} {column}: a conflict of equal values; {' → '.join(cell.story)}")
        wrong += [
            f"{record} {column}: a conflict nobody watches" for record, column in asked if record not in self.cells
        ]
        if wrong:
            raise Broken("\n".join(wrong))

    def _whole(self, look: Look) -> None:
        """Records: those born are on both sides, those gone stay gone; what nobody touched is as it was."""
        wrong = [
            f"{r}: now on {_where(look, r)}, was to stay on {side}"
            for r, side in self.gone.items()
            if _where(look, r) != side
        ]
        wrong += [
            f"born {k} is on {_where(look, ('case', k))}"
            for k in self.people.born
            if _where(look, ("case", k)) != "both"
        ]
        known = {*self.cells, *self.gone, *(("case", k) for k in self.people.born)}
        wrong += [f"{r} came from nowhere" for r in look.cells if r not in known]
        for record, rest in self.before.rest.items():
            now = look.rest.get(record, rest)
            wrong += [f"{record} {c}: was {rest[c]!r}, is {now[c]!r}" for c in rest if rest[c] != now[c]]
        if wrong:
            raise Broken("\n".join(wrong))

    def _rest(self, look: Look) -> None:
        """The round is over; what is there is the next one's beginning."""
        self.people.born.clear()
        for record, cells in look.cells.items():
            if record in self.gone:
                continue
            fields = BY_MAPPING[record[0]].fields
            mine = self.cells.setdefault(record, {f.column: Cell(f.rule, ()) for f in fields})
            for column, (p, s) in cells.items():
                mine[column].rest(p, s)
        self.before = look

    def _closed(self, ended: Ended) -> None:
        for name, part in ended.doc.get("mappings", {}).items():
            for side, source in SIDES:
                total = sum(part[side].values()) + part["conflicts"]
                if total != part["read"][source]:
                    raise Broken(f"the sum of {name} on {side} does not close: {part}")
        if "SUM_OPEN" in json.dumps(ended.doc):
            raise Broken("SUM_OPEN")


def _waiting(ended: Ended) -> bool:
    """True if records are held or were refused: the next run may do more."""
    parts = [part[s] for part in ended.doc["mappings"].values() for s in ("salesforce", "platform")]
    return any(p["held"] or p["failed"] for p in parts)


def _where(look: Look, record: Record) -> str:
    cells = look.cells.get(record)
    if cells is None:
        return "neither"
    p, s = next(iter(cells.values()))
    return "both" if ABSENT not in (p, s) else ("platform" if s == ABSENT else "salesforce")


def _excused(ended: Ended) -> bool:
    return ended.exit == 2 and _code(ended) in CODES


def _code(ended: Ended) -> str:
    return str(ended.doc.get("error", {}).get("code", ""))
