"""What both sides hold about partner requests: a few queries for all requests together, never one per request."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from sfsync.ledger import database, requests, sealed
from sfsync.ledger.keys import derive
from sfsync.mapping.transforms import addresses
from sfsync.planners.requests.life.words import Facts, Request
from sfsync.runs.bench import Bench
from sfsync.sides.platform import desk
from sfsync.sides.salesforce.soql import URL_CHARS, in_lists, select

FAULT_DAYS = timedelta(days=30)
_CASE = (
    "Id",
    "CaseNumber",
    "Status",
    "SFS_Source_Key__c",
    "SFS_Compliance_Hold__c",
    "SFS_NU_Due__c",
    "OwnerId",
    "Account.OwnerId",
    "Parent.CaseNumber",
    "Parent.SFS_Incident__c",
)


def facts(bench: Bench, rows: Sequence[dict[str, Any]], asked: Sequence[Request], zone: ZoneInfo) -> dict[str, Facts]:
    ask = bench.platform.query
    codes = [r.shop for r in asked]
    shops, operators, terminals = (f(ask, codes) for f in (desk.shops, desk.operators, desk.terminals))
    named = [r.fields.get("operator_code", "") for r in asked] + [r.operator for r in asked]
    earlier = _grouped(desk.earlier(ask, [*named, *(str(s["company_code"]) for s in shops.values())]), "target_key")
    others = _grouped(desk.open_cases(ask, codes), "shop_code")
    faults = _grouped(desk.faults(ask, [r.terminal for r in asked]), "terminal_id")
    cases = _cases(bench, [r.key for r in asked])
    months, plans, alike = _months(bench, asked, zone), _plans(bench, asked), _alike(bench, asked)
    taken, twins = _taken(bench, asked), requests.twins(bench.ledger, [r.key for r in asked])
    made = {}
    for row, one in zip(rows, asked, strict=True):
        shop = shops.get(one.shop, {})
        case = cases.get(one.key)
        made[one.key] = Facts(
            shop=shop,
            company=shop,
            operators=operators.get(one.shop, {}),
            terminals=terminals.get(one.shop, {}),
            case={} if case is None else {**case, "queue": row["queue"], **_phone(bench, row, shop)},
            earlier=tuple(e for t in _targets(one, shop) for e in earlier.get(t, ()) if e["case_key"] != one.key),
            open_types=tuple(o["category"] for o in others.get(one.shop, ()) if o["source_key"] != one.key),
            open_cases=_numbers(others.get(one.shop, ()), one.key),
            busy=frozenset(str(o["terminal_id"]) for o in others.get(one.shop, ()) if o["source_key"] != one.key),
            of_month=months.get(one.key, 0),
            plans=plans.get(str(shop.get("shop_kind")), frozenset()),
            alike=alike.get(one.key, ()),
            ips_taken=tuple(ip for ip in taken.get(one.key, {}) if taken[one.key][ip] - {one.shop}),
            twins=tuple(twins.get(one.key, ())),
            faults=_recent(faults.get(one.terminal, ()), bench.as_of),
        )
    return made


def _numbers(cases: Iterable[Mapping[str, Any]], own: str) -> tuple[str, ...]:
    """The numbers of other cases, or the beginning of their keys while they have none."""
    others = (c for c in cases if c["source_key"] != own)
    return tuple(sorted(str(c["case_number"] or c["source_key"][:12]) for c in others))


def _taken(bench: Bench, asked: Sequence[Request]) -> dict[str, dict[str, set[str]]]:
    """Of requests that name addresses: by case key and address, the shops that use it."""
    named = {r.key: addresses(ips) or [] for r in asked if (ips := r.fields.get("public_ips"))}
    if not named:
        return {}
    users: dict[str, set[str]] = {}
    for row in desk.addresses(bench.platform.query):
        for ip in addresses(row["public_ips"]) or ():
            users.setdefault(ip, set()).add(str(row["shop_code"]))
    return {key: {ip: users.get(ip, set()) for ip in ips} for key, ips in named.items()}


def _months(bench: Bench, asked: Sequence[Request], zone: ZoneInfo) -> dict[str, int]:
    """Of requests for goods: what the same shop asked for of the same kind earlier in the month, in pieces."""
    mine = [r for r in asked if r.fields.get("quantity")]
    if not mine:
        return {}
    rows = requests.of_shops(bench.ledger, {r.code for r in mine}, {r.shop for r in mine})
    counted: dict[tuple[str, str, str], list[tuple[datetime, str, int]]] = {}
    for row in rows:
        at, fields = (
            database.instant_of(row["received_at"]),
            sealed.unseal(bench.ledger, row["case_key"], row["sealed"]),
        )
        entry = (at, row["case_key"], int(fields.get("quantity") or 0))
        counted.setdefault((row["code"], row["shop"], _month(zone, at)), []).append(entry)
    return {
        r.key: sum(
            n
            for at, key, n in counted.get((r.code, r.shop, _month(zone, r.received_at)), ())
            if (at, key) < (r.received_at, r.key)
        )
        for r in mine
    }


def _month(zone: ZoneInfo, at: datetime) -> str:
    return at.astimezone(zone).strftime("%Y-%m")


def _plans(bench: Bench, asked: Sequence[Request]) -> dict[str, frozenset[str]]:
    return desk.plans(bench.platform.query) if any(r.fields.get("plan") for r in asked) else {}


def _alike(bench: Bench, asked: Sequence[Request]) -> dict[str, tuple[str, ...]]:
    """Of requests that come without a shop: the shops of the same company or at the same address."""
    new = {r.key: (r.fields.get("vat_number", ""), r.fields.get("address", "").lower()) for r in asked if not r.shop}
    if not new:
        return {}
    vats, streets = desk.alike(bench.platform.query, [v for v, _ in new.values()], [s for _, s in new.values()])
    return {k: tuple(sorted(vats.get(v, set()) | streets.get(s, set()))) for k, (v, s) in new.items()}


def _grouped(rows: Iterable[dict[str, Any]], name: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[name], []).append(row)
    return found


def _targets(one: Request, shop: Mapping[str, Any]) -> list[str]:
    """Whose earlier changes count: the operator's named, the asking one's, the company's; each once."""
    named = (one.fields.get("operator_code", ""), one.operator, str(shop.get("company_code") or ""))
    return list(dict.fromkeys(named))


def _recent(faults: Sequence[Mapping[str, Any]], as_of: datetime) -> int:
    return sum(timedelta(0) <= as_of - f["received_at"] < FAULT_DAYS for f in faults)


def _phone(bench: Bench, row: Mapping[str, Any], shop: Mapping[str, Any]) -> dict[str, str]:
    """Digests of the number on file: as it was when the request was first looked at, and now."""
    key = derive(bench.ledger.key, "phones")
    now = hmac.new(key, str(shop.get("phone") or "").encode(), sha256).hexdigest()[:16]
    return {"phone": now, "phone_at_receipt": row["phone"] or now}


def _cases(bench: Bench, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    found = {}
    for clause in in_lists("SFS_Source_Key__c", sorted(set(keys)), URL_CHARS - 400):
        for row in bench.salesforce.query(select(_CASE, "Case", clause)):
            found[row["SFS_Source_Key__c"]] = _case(row)
    return found


def _incident(parent: Mapping[str, Any]) -> str | None:
    """The number of the incident a case belongs to; another parent is none."""
    return str(parent["CaseNumber"]) if parent.get("SFS_Incident__c") else None


def _case(row: Mapping[str, Any]) -> dict[str, Any]:
    due = row["SFS_NU_Due__c"]
    return {
        "id": row["Id"],
        "number": row["CaseNumber"],
        "status": row["Status"],
        "owners": (str(row["OwnerId"]), str((row["Account"] or {}).get("OwnerId") or "")),
        "hold": bool(row["SFS_Compliance_Hold__c"]),
        "nu_due": datetime.fromisoformat(due).astimezone(UTC) if due else None,
        "incident": _incident(row["Parent"] or {}),
    }
