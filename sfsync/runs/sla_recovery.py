"""Service recovery in the org: proposals, and their way to the customer (policy C.10).

A proposal is a record of ``SFS_Recovery__c`` whose key is case, event and episode: there is one, whoever asks twice.
What follows is a person's: approve or refuse, write the terms, deliver, confirm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sfsync.errors import ConfigError, GuardStop
from sfsync.ledger import audit
from sfsync.planners.sla import gates, recovery
from sfsync.planners.sla.policy import PLAY, Policy, RecoverySpec
from sfsync.runs import sla_people
from sfsync.runs.bench import Bench
from sfsync.sides.salesforce import soql
from sfsync.sides.salesforce.ids import is_id

OBJECT = "SFS_Recovery__c"
KEY = "SFS_Recovery_Key__c"
EVENTS = {
    "p1_breach": "A P1 was not stabilised or solved in time",
    "room_overbooking": "A room was overbooked",
    "transfer_interrupted": "A transfer was interrupted",
    "billing_error": "A booking was wrong",
    "lounge_wait": "Somebody waited too long in the VIP room",
    "partner_p1_breach": "A partner's P1 was not solved in time",
}
SHOWN = {
    KEY: "key",
    "SFS_Case__r.CaseNumber": "case",
    "SFS_Event__c": "event",
    "SFS_Proposal__c": "offer",
    "SFS_State__c": "state",
    "SFS_Proposed_At__c": "proposed_at",
    "SFS_Decided_At__c": "decided_at",
    "SFS_Terms_At__c": "terms_at",
    "SFS_Delivered_At__c": "delivered_at",
    "SFS_Confirmed_At__c": "confirmed_at",
}
STAMPS = {
    "approved": "SFS_Decided_At__c",
    "refused": "SFS_Decided_At__c",
    "terms_written": "SFS_Terms_At__c",
    "delivered": "SFS_Delivered_At__c",
    "confirmed": "SFS_Confirmed_At__c",
}


@dataclass(frozen=True)
class Moved:
    """A recovery that came a step further."""

    key: str
    state: str
    before: str


def key_of(case_id: str, event: str, episode: int) -> str:
    """One proposal per case, event and episode."""
    return f"{case_id}:{event}:{episode}"


def sentence(event: str, offer: str, at: str) -> str:
    """What the internal comment says of a proposal."""
    return f"{EVENTS[event]} ({at}). Recovery proposed: {offer}. It needs approval; nothing has been promised."


def propose(bench: Bench, rungs: Sequence[tuple[dict[str, Any], Policy]]) -> None:
    """Makes the records that are not there. What somebody has decided meanwhile is not touched."""
    wanted = {_key(rung): (rung, policy) for rung, policy in rungs}
    if not wanted:
        return
    tiers = _tiers(bench, sorted({rung["case_id"] for rung, _ in rungs}))
    there = {row[KEY] for row in _rows(bench, [KEY], KEY, sorted(wanted))}
    rows = [_record(bench, rung, policy, tiers) for key, (rung, policy) in wanted.items() if key not in there]
    bench.salesforce.insert(OBJECT, rows)


def _key(rung: dict[str, Any]) -> str:
    return key_of(rung["case_id"], rung["rung"].removeprefix(recovery.PREFIX), rung["episode"])


def _tiers(bench: Bench, ids: list[str]) -> dict[str, str]:
    clauses = soql.in_lists("Id", ids, soql.URL_CHARS - 200)
    pages = bench.salesforce.queries.all_pages([soql.select(["Id", "SFS_Tier__c"], "Case", c) for c in clauses])
    return {str(row["Id"]): row["SFS_Tier__c"] or "STANDARD" for page in pages for row in page.rows}


def _rows(bench: Bench, fields: Iterable[str], name: str, values: Sequence[str]) -> list[dict[str, Any]]:
    clauses = soql.in_lists(name, values, soql.URL_CHARS - 600)
    pages = bench.salesforce.queries.all_pages([soql.select(fields, OBJECT, clause) for clause in clauses])
    return [row for page in pages for row in page.rows]


def _record(bench: Bench, rung: dict[str, Any], policy: Policy, tiers: dict[str, str]) -> dict[str, Any]:
    event = rung["rung"].removeprefix(recovery.PREFIX)
    spec = policy.recovery.get(event)
    return {
        KEY: _key(rung),
        "SFS_Case__c": rung["case_id"],
        "SFS_Event__c": event,
        "SFS_Episode__c": rung["episode"],
        "SFS_Proposal__c": rung["reason"],
        "SFS_State__c": recovery.STATES[0],
        "SFS_Proposed_At__c": soql.instant(bench.as_of),
        **_extras(spec, rung["reason"], tiers.get(rung["case_id"], "STANDARD")),
    }


def _extras(spec: RecoverySpec | None, offer: str, tier: str) -> dict[str, Any]:
    """What comes with the offer itself; not with what is given instead."""
    if spec is None or offer != spec.offer:
        return {}
    amount = spec.amount.get(tier)  # type: ignore[call-overload]
    money = {"SFS_Amount__c": amount / 100, "SFS_Currency__c": "EUR"} if amount else {}
    return {"SFS_Tournament_Priority__c": spec.tournament_priority, "SFS_Fb_Credit__c": spec.fb_credit, **money}


# -- what people do with them --


def found(bench: Bench, case: str | None = None, state: str | None = None) -> list[dict[str, Any]]:
    """Recoveries, the oldest first: of one case (number, source key or record id), in one state, or all not over."""
    clauses = [_of_case(case)] if case else []
    open_states = ",".join(soql.quote(s) for s in recovery.NEXT)
    clauses.append(
        f"SFS_State__c = {soql.quote(state)}" if state else "" if case else f"SFS_State__c IN ({open_states})"
    )
    ask = soql.select(SHOWN, OBJECT, soql.all_of(clauses), "SFS_Proposed_At__c, SFS_Recovery_Key__c")
    return [_shown(row) for row in bench.salesforce.query(ask)]


def _of_case(name: str) -> str:
    asked = [f"SFS_Case__r.{field} = {soql.quote(name)}" for field in ("CaseNumber", "SFS_Source_Key__c")]
    return "(" + " OR ".join(asked + ([f"SFS_Case__c = {soql.quote(name)}"] if is_id(name) else [])) + ")"


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for path, name in SHOWN.items():
        head, _, last = path.partition(".")
        made[name] = (row[head] or {}).get(last) if last else row[head]
    return made


def move(
    bench: Bench, key: str, state: str, by: str, *, correction: str = "", report: str = "", dry_run: bool = False
) -> Moved:
    """One step of a recovery, by an active Salesforce user. Raises ``ConfigError`` or ``GuardStop``."""
    fields = [*SHOWN, "Id", "SFS_Case__c", "SFS_Correction_Ref__c", "SFS_Report_Ref__c"]
    rows = _rows(bench, fields, KEY, [key])
    if not rows:
        raise ConfigError("there is no such recovery", "RECOVERY_UNKNOWN", key, "List them: sfsync sla recovery")
    [row] = rows
    user = _user(bench, by)
    _may(bench, row, state, user, correction, report)
    if dry_run:
        return Moved(key, state, row["SFS_State__c"])
    values: dict[str, Any] = {"SFS_State__c": state}
    if state in STAMPS:
        values[STAMPS[state]] = soql.instant(bench.as_of)
    if state in ("approved", "refused"):
        values["SFS_Decided_By__c"] = user
    values |= {"SFS_Correction_Ref__c": correction} if correction else {}
    values |= {"SFS_Report_Ref__c": report} if report else {}
    bench.salesforce.change(OBJECT, row["Id"], values)
    bench.salesforce.change("Case", row["SFS_Case__c"], _of_the_case(bench, state))
    line = {"recovery": key, "state": state, "by": by}
    audit.append(bench.ledger, "sla.recovery", line, actor=bench.actor)
    return Moved(key, state, row["SFS_State__c"])


def _of_the_case(bench: Bench, state: str) -> dict[str, Any]:
    terms = {"SFS_Terms_At__c": soql.instant(bench.as_of)} if state == "terms_written" else {}
    return {"SFS_Recovery_State__c": state, **terms}


def _user(bench: Bench, username: str) -> str:
    where = soql.all_of([f"Username = {soql.quote(username)}", "IsActive = TRUE"])
    rows = bench.salesforce.query(soql.select(["Id"], "User", where))
    if not rows:
        step = "Give the username of an active Salesforce user with --by."
        raise ConfigError("this is no active user of the org", "USER_UNKNOWN", username, step)
    return str(rows[0]["Id"])


def _may(bench: Bench, row: dict[str, Any], state: str, user: str, correction: str, report: str) -> None:
    now, key, event = row["SFS_State__c"], row[KEY], row["SFS_Event__c"]
    if state not in recovery.NEXT.get(now, ()):
        after = " or ".join(recovery.NEXT.get(now, ())) or "nothing"
        raise ConfigError(f"it is {now}; after that comes {after}", "RECOVERY_STATE", key, "See: sfsync sla recovery")
    if state == "approved":
        _approvable(bench, row, user)
    if state == "delivered" and event == "billing_error":
        lacks = [
            gate
            for gate, field, given in (
                ("E-CLOSE-CORRECTION", "SFS_Correction_Ref__c", correction),
                ("E-CLOSE-REPORT", "SFS_Report_Ref__c", report),
            )
            if not (given or row[field])
        ]
        if lacks:
            step = "Give them: --correction REF --report REF"
            raise ConfigError(gates.sentence(",".join(lacks)), lacks[0], key, step)


def _approvable(bench: Bench, row: dict[str, Any], user: str) -> None:
    case, key = row["SFS_Case__c"], row[KEY]
    if row["SFS_Proposal__c"] in PLAY and sla_people.without_play(bench, [case]):
        step = "Refuse it; a letter of apology may be offered by hand."
        raise GuardStop("its player gets no play any more", "RECOVERY_BLOCKED", key, step)
    if row["SFS_Event__c"] != "partner_p1_breach":
        return
    if sla_people.overdue(bench, [case]):
        step = "Approve it when the shop has settled, or refuse it."
        raise GuardStop("its shop is overdue", "RECOVERY_BLOCKED", key, step)
    rows = bench.salesforce.query(soql.select(["Account.OwnerId"], "Case", f"Id = {soql.quote(case)}"))
    if (rows[0]["Account"] or {}).get("OwnerId") != user:
        raise GuardStop(
            "only the shop's account manager approves it", "RECOVERY_APPROVER", key, "Ask the account manager."
        )
