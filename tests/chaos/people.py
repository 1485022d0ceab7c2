"""People who edit both sides, by random: values, new records, deletions, consents, births, merges, vanishings."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from html import escape
from typing import Any

import requests
from simple_salesforce.exceptions import SalesforceError
from sqlalchemy.exc import OperationalError

from tests.chaos.model import ABSENT, NEVER, Cell, State
from tests.chaos.stage import Look, Stage
from tests.chaos.watched import BY_MAPPING, Field, Kind
from tests.e2e import scene

Record = tuple[str, str]
SOAP = (
    '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com" '
    'xmlns:ens="urn:sobject.partner.soap.sforce.com"><env:Header><urn:SessionHeader><urn:sessionId>{token}'
    "</urn:sessionId></urn:SessionHeader></env:Header><env:Body><urn:merge><urn:request><urn:masterRecord>"
    "<ens:type>Account</ens:type><ens:Id>{master}</ens:Id></urn:masterRecord><urn:recordToMergeIds>{loser}"
    "</urn:recordToMergeIds></urn:request></urn:merge></env:Body></env:Envelope>"
)


class People:
    """Edits a world and tells the model; ``made`` numbers what is new."""

    def __init__(self, stage: Stage, cells: dict[Record, dict[str, Cell]], gone: dict[Record, str]) -> None:
        """``gone``: records that are on one side only, for good, and which."""
        self.stage, self.cells, self.gone = stage, cells, gone
        self.born: set[str] = set()
        self.counts = Counter[str]()
        self.made = 0
        self.story: list[str] = []

    def play(self, dice: random.Random, look: Look, edits: int, *, at_rest: bool) -> None:
        """So many random edits of what ``look`` has seen; records end only while both sides are ``at_rest``."""
        kinds: list[tuple[Callable[[random.Random, Look], str], int]] = [
            (self._platform, 6),
            (self._salesforce, 6),
            (self._both, 5),
            (self._consent, 3),
            (self._new_player, 2),
            (self._new_shop, 1),
            (self._new_case, 1),
            (self._born, 1),
            (self._delete, 1),
            (self._merge, at_rest),
            (self._vanish, at_rest),
        ]
        for _ in range(edits):
            [edit] = dice.choices([k for k, _ in kinds], [w for _, w in kinds])
            said = edit(dice, look)
            if said:
                self.story.append(said)
                self.counts[edit.__name__.strip("_").replace("_", " ")] += 1

    def meanwhile(self, dice: random.Random, look: Look) -> Record:
        """One edit while a run is at work, of a cell that no run may ever overwrite; the record it was of.

        A platform-owned cell on the platform, a Salesforce-owned one in Salesforce, or a flag made stricter on either
        side. Whoever answers badly is asked again: the weather strikes people, too.
        """
        kind, key = self._pick(dice, look, 0, 1)
        field = dice.choice([f for f in kind.fields if f.rule.owner in ("platform", "salesforce", "stricter")])
        value = field.rule.strict or dice.choice(field.values)
        side = {"stricter": dice.choice(["platform", "salesforce"])}.get(field.rule.owner, field.rule.owner)
        for _ in range(40):
            try:
                if side == "platform":
                    said = self._type_platform(kind, key, {field: value})
                else:
                    said = self._type_salesforce(look, kind, key, {field: value}, dice)
            except (requests.RequestException, SalesforceError, OperationalError):
                time.sleep(0.1)
            else:
                self.story.append(f"  meanwhile {said}")
                return kind.mapping, key
        raise AssertionError(f"{key} could not be edited")

    # -- values

    def _platform(self, dice: random.Random, look: Look) -> str:
        kind, key = self._pick(dice, look, 0)
        return self._type_platform(kind, key, {f: dice.choice(f.values) for f in _some(dice, kind)})

    def _salesforce(self, dice: random.Random, look: Look) -> str:
        kind, key = self._pick(dice, look, 1)
        return self._type_salesforce(look, kind, key, {f: dice.choice(f.values) for f in _some(dice, kind)}, dice)

    def _both(self, dice: random.Random, look: Look) -> str:
        """The same cell on both sides, with different values where there are any."""
        kind, key = self._pick(dice, look, 0, 1)
        field = dice.choice(kind.fields)
        ours, theirs = dice.sample(field.values, 2)
        said = self._type_platform(kind, key, {field: ours})
        return f"{said}; {self._type_salesforce(look, kind, key, {field: theirs}, dice)}"

    def _consent(self, dice: random.Random, look: Look) -> str:
        """Flags of one player, on one side or on both, given or taken back."""
        kind, key = self._pick(dice, look, 0, 1, only="player")
        flags = [f for f in kind.fields if f.rule.owner == "stricter"]
        said = []
        for side in dice.sample(["p", "s"], dice.randint(1, 2)):
            values: dict[Field, Any] = {f: dice.choice(f.values) for f in dice.sample(flags, 2)}
            typed = self._type_platform(kind, key, values) if side == "p" else ""
            said.append(typed or self._type_salesforce(look, kind, key, values, dice))
        return "; ".join(said)

    def _type_platform(self, kind: Kind, key: str, values: dict[Field, Any]) -> str:
        self.stage.world.edit(kind.table, key, **{f.column: _platform_value(v) for f, v in values.items()})
        self._typed("platform", kind, key, values)
        return f"platform {kind.mapping} {key} { {f.column: v for f, v in values.items()} }"

    def _type_salesforce(self, look: Look, kind: Kind, key: str, values: dict[Field, Any], dice: random.Random) -> str:
        sent: dict[str, Any] = {}
        for field, value in values.items():
            names = [field.name, *field.also]
            one = {"true": True, "false": False}.get(str(value), value)
            if isinstance(value, str) and value.startswith("2026-"):
                one = f"{value}Z"
            sent |= dict.fromkeys(names, one) if one is not True else {dice.choice(names): one}
        self.stage.world.sobject(kind.object).update(look.ids[kind.mapping, key], sent)
        self._typed("salesforce", kind, key, values)
        return f"salesforce {kind.mapping} {key} {sent}"

    def _typed(self, side: str, kind: Kind, key: str, values: dict[Field, Any]) -> None:
        for field, value in values.items():
            self.cells[kind.mapping, key][field.column].typed(side, value)

    # -- records

    def _new_player(self, dice: random.Random, look: Look) -> str:
        self.made += 1
        key = f"P-C{self.made}"
        values = {"username": f"neu{self.made}", "email": f"neu{self.made}@posta.example"}
        return self._insert("player", "P-0000001", key, values)

    def _new_shop(self, dice: random.Random, look: Look) -> str:
        """A shop and its company at once."""
        self.made += 1
        company, shop = f"C-C{self.made}", f"8{self.made:05d}"
        said = self._insert("company", self._like("company"), company, {})
        return f"{said}; {self._insert('shop', self._like('shop'), shop, {'company_code': company})}"

    def _new_case(self, dice: random.Random, look: Look) -> str:
        self.made += 1
        player = dice.choice(sorted(k for m, k in look.cells if m == "player" and (m, k) not in self.gone))
        values = {"player_id": player, "shop_code": None, "case_number": None, "resolved_at": None, "status": "New"}
        return self._insert("case", "PL-0000001", f"PL-C{self.made}", values)

    def _like(self, mapping: str) -> str:
        kind = BY_MAPPING[mapping]
        return str(self.stage.world.sql(f"SELECT min({kind.key}) FROM {kind.table}")[0][0])

    def _insert(self, mapping: str, like: str, key: str, values: dict[str, Any]) -> str:
        kind = BY_MAPPING[mapping]
        self.stage.copy(kind, like, key, values)
        row = next(r for r in self.stage.rows(kind) if r[kind.key] == key)
        seen = self.stage.platform_values(kind, row)
        self.cells[mapping, key] = {f.column: Cell(f.rule, [State(seen[f.column], ABSENT, NEVER)]) for f in kind.fields}
        return f"new {mapping} {key}"

    def _born(self, dice: random.Random, look: Look) -> str:
        """An agent opens a case in Salesforce; its cells are followed from the next round on."""
        player = dice.choice(sorted(r for r in look.ids if r[0] == "player" and r not in self.gone))
        key = scene.born(self.stage.world, look.ids[player], SFS_Place__c=dice.choice(["Aosta", "Bari"]))
        self.born.add(key)
        return f"born {key}"

    def _delete(self, dice: random.Random, look: Look) -> str:
        """A player nobody else needs is deleted in Salesforce; sfsync makes it again."""
        free = self._free_players(look)
        if not free:
            return ""
        record = dice.choice(free)
        self.stage.world.sobject("Account").delete(look.ids.pop(record))
        for cell in self.cells[record].values():
            cell.typed("salesforce", ABSENT)
        look.cells[record] = {c: (p, ABSENT) for c, (p, _) in look.cells[record].items()}
        return f"deleted in Salesforce {record[1]}"

    def _merge(self, dice: random.Random, look: Look) -> str:
        """Two players become one in Salesforce: the loser's key is never made again."""
        free = self._free_players(look)
        if len(free) < 2:
            return ""
        master, loser = dice.sample(free, 2)
        ready = self.stage.ready
        merge(ready.instance_url, ready.access_token, look.ids[master], look.ids.pop(loser))
        self.gone[loser] = "platform"
        self.cells.pop(loser)
        look.cells.pop(loser)
        return f"merged {loser[1]} into {master[1]}"

    def _vanish(self, dice: random.Random, look: Look) -> str:
        """A row vanishes from the platform; Salesforce keeps its record."""
        free = self._free_players(look)
        if not free:
            return ""
        record = dice.choice(free)
        self.stage.world.sql("DELETE FROM players WHERE player_id = :key", key=record[1])
        self.gone[record] = "salesforce"
        self.cells.pop(record)
        look.cells.pop(record)
        return f"vanished {record[1]}"

    def _pick(self, dice: random.Random, look: Look, *sides: int, only: str = "") -> tuple[Kind, str]:
        """A record that is there on these sides (0 platform, 1 Salesforce)."""
        living = ((r, cells) for r, cells in look.cells.items() if r in self.cells)
        found = sorted(r for r, cells in living if all(v[s] != ABSENT for v in cells.values() for s in sides))
        mapping = only or dice.choice(sorted({m for m, _ in found}))
        return BY_MAPPING[mapping], dice.choice([k for m, k in found if m == mapping])

    def _free_players(self, look: Look) -> list[Record]:
        """Players made during the chaos that are on both sides and have no case."""
        taken = {r[0] for r in self.stage.world.sql("SELECT player_id FROM cases")}
        taken |= {r["Account"]["SFS_Player_Id__c"] for r in self.stage.cases_of_players()}
        return sorted(r for r in look.ids if r[1].startswith("P-C") and r[1] not in taken and r in self.cells)


def _some(dice: random.Random, kind: Kind) -> list[Field]:
    return dice.sample(kind.fields, min(dice.randint(1, 3), len(kind.fields)))


def _platform_value(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value)


def merge(instance_url: str, token: str, master: str, loser: str) -> None:
    """Two accounts into one, by the partner API."""
    body = SOAP.format(token=escape(token), master=master, loser=loser)
    headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
    answer = requests.post(f"{instance_url}/services/Soap/u/62.0", body.encode(), headers=headers, timeout=30)
    assert answer.status_code == 200 and "<success>true" in answer.text, answer.text
