"""A retail desk in a world: partner requests with their cases, the people who approve, and a platform that answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from sfsync.ledger.requests import New, register
from sfsync.runs.bench import Bench
from tests.e2e.world import NOW, Ran, World

AM, FIN, LEG, COM = (
    f"{n}@operator.example" for n in ("elena.conti", "martina.greco", "andrea.rizzi", "federica.longo")
)
QUEUES = {FIN: "FINANCE_L2", LEG: "RET_LEGAL", COM: "COMPLIANCE"}
T0 = datetime.now(UTC).replace(microsecond=0)


@dataclass
class Desk:
    """One shop of the world, fit for every request, and what is done at its desk."""

    world: World
    said: list[Ran] = field(default_factory=list)

    def __post_init__(self) -> None:
        w = self.world
        [(self.shop, self.company)] = w.sql(
            "SELECT s.shop_code, s.company_code FROM shops s JOIN terminals t USING (shop_code)"
            " WHERE shop_kind IN ('negozio', 'corner') GROUP BY 1, 2 ORDER BY 1 LIMIT 1"
        )
        of_shop = " FROM shop_operators WHERE shop_code = :s AND role = 'owner'"
        [(self.terminal,)] = w.sql("SELECT min(terminal_id) FROM terminals WHERE shop_code = :s", s=self.shop)
        [(self.owner,)] = w.sql(f"SELECT operator_code{of_shop}", s=self.shop)
        self.cashier = "OP-CASH"

    def prepare(self) -> Desk:
        """The shop is fit for every request, and there are people to approve; once per world."""
        w = self.world
        w.copy_row("shop_operators", self.owner, self.cashier, role="cashier", status="active", last_reset_at=None)
        w.edit("shop_operators", self.owner, status="active")
        w.edit("terminals", self.terminal, state="active")
        facts = {"state": "active", "overdue": False, "credit_limit_minor": 1_000_000, "guarantee_minor": 2_000_000}
        w.edit("shops", self.shop, **facts)
        w.edit("companies", self.company, legal_name="Bianchi Giochi S.r.l.")
        w.sql(f"UPDATE cases SET status = 'Closed', updated_at = {NOW} WHERE shop_code = :s", s=self.shop)
        self._people()
        w.sync()
        return self

    def _people(self) -> None:
        """The approvers' queues have one member each, and the shop an account manager."""
        w = self.world
        users = {r["Username"]: r["Id"] for r in w.rows("SELECT Id, Username FROM User")}
        for user, queue in QUEUES.items():
            [group] = w.rows(f"SELECT Id FROM Group WHERE DeveloperName = '{queue}'")
            w.sobject("GroupMember").create({"GroupId": group["Id"], "UserOrGroupId": users[user]})
        w.change("Account", "SFS_Shop_Code__c", self.shop, OwnerId=users[AM])

    # -- requests

    def open(self, code: str, kind: str, key: str = "", **fields: str) -> str:
        """A request with its case on both sides, as intake leaves it; the case's number."""
        return self.opened(code, kind, key or f"REQ-{code}", fields)

    def opened(self, code: str, kind: str, key: str, fields: dict[str, str], **more: Any) -> str:
        """``open`` with everything a request may have."""
        w, received = self.world, more.pop("received_at", T0)
        row = {
            "source_key": key,
            "shop_code": more.pop("shop", self.shop) or None,
            "operator_code": more.get("operator", self.owner),
            "terminal_id": more.get("terminal"),
        }
        row |= {
            "tier": "PARTNER",
            "category": kind,
            "channel": "import",
            "language": "it",
            "status": "New",
            "received_at": received.strftime("%Y-%m-%d %H:%M:%S"),
        }
        row |= {"subject": kind, "priority": "P3"}
        names = ", ".join(row)
        w.sql(f"INSERT INTO cases ({names}, updated_at) VALUES ({', '.join(f':{n}' for n in row)}, {NOW})", **row)
        new = {"operator": self.owner, "queue": "RET_ADMIN", "imported_by": "importer", **more}
        new["terminal"] = more.get("terminal") or ""
        with Bench.open(w.toml, T0) as bench:
            register(bench.ledger, [New(key, code, row["shop_code"] or "", received, fields=fields, **new)])
        w.sync("case")
        return str(w.one("Case", "SFS_Source_Key__c", key, "CaseNumber")["CaseNumber"])

    # -- commands

    def run(self, *arguments: str, after: timedelta = timedelta(0), exit: int | None = 0) -> dict[str, Any]:
        """``sfsync partners … --json`` at T0 plus ``after``."""
        as_of = (T0 + after).strftime("%Y-%m-%dT%H:%M:%SZ")
        ran = self.world.run("partners", *arguments, "--json", "--as-of", as_of)
        self.said.append(ran)
        assert exit is None or ran.exit == exit, (ran.exit, ran.out, ran.err)
        return ran.doc

    def work(self, *, after: timedelta = timedelta(0), exit: int | None = None) -> dict[str, Any]:
        """The next steps of everything that is open."""
        found = self.run("work", after=after, exit=exit)
        assert exit is not None or self.said[-1].exit in (0, 4), self.said[-1]
        return found

    def approve(
        self, case: str, user: str, *more: str, after: timedelta = timedelta(0), exit: int = 0
    ) -> dict[str, Any]:
        """A mark by one user."""
        return self.run("approve", case, "--as", user, *more, after=after, exit=exit)

    def state(self, case: str, after: timedelta = timedelta(0)) -> str:
        """Where a request is, by its explanation."""
        return str(self.run("explain", case, after=after)["state"])

    def why(self) -> str:
        """What the last command said on stderr."""
        return self.said[-1].err

    # -- the platform

    def asked(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The outbox's rows, of one kind or all; payloads read."""
        names = ("request_key", "case_key", "kind", "target_key", "payload", "requested_by", "approved_by", "state")
        rows = self.world.sql(f"SELECT {', '.join(names)} FROM change_requests ORDER BY kind, target_key")
        found = [dict(zip(names, r, strict=True)) for r in rows]
        return [{**r, "payload": json.loads(r["payload"])} for r in found if kind in (None, r["kind"])]

    def answer(self, kind: str, state: str = "done", answer: Any = None) -> None:
        """The platform works all rows of one kind."""
        self.world.sql(
            f"UPDATE change_requests SET state = :state, answer = :answer, answered_at = :at, updated_at = {NOW}"
            " WHERE kind = :kind AND state = 'requested'",
            state=state,
            answer=None if answer is None else json.dumps(answer),
            at=T0.strftime("%Y-%m-%d %H:%M:%S"),
            kind=kind,
        )

    # -- what came of it

    def mails(self) -> list[tuple[str, str]]:
        """Code and text of every message in the outbox."""
        return sorted((m["X-Sfsync-Message"], m.get_content().strip()) for m in self._mails())

    def codes(self) -> list[str]:
        """Codes of the messages that left."""
        return [code for code, _ in self.mails()]

    def _mails(self) -> list[Any]:
        files = sorted(Path(self.world.folder / "outbox").glob("*.eml"))
        return [message_from_bytes(f.read_bytes(), policy=default) for f in files]

    def case(self, key: str) -> dict[str, Any]:
        """The case as Salesforce has it."""
        return self.world.one("Case", "SFS_Source_Key__c", key, "Status", "SFS_Resolved_At__c")
