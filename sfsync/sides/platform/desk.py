"""What the platform holds about shops with open requests, and what it answered: a few queries for all of them.

Rows come as dictionaries under the words of the mappings; instants are aware, money is in minor units. Of an IBAN only
the last four characters are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

Row = dict[str, Any]
Ask = Callable[..., list[Row]]
CHUNK = 800

_SHOPS = """
SELECT s.shop_code, s.company_code AS company, s.shop_kind, s.state, s.overdue, s.guarantee_minor AS guarantee,
       s.credit_limit_minor AS credit_limit, s.currency, s.phone, s.email, s.opening_hours, s.street, s.cap, s.province,
       s.commission_plan, s.public_ips, s.predecessor_shop, s.account_manager, c.company_code, c.vat_number,
       c.legal_name,
       c.pec, s.licence88_no, s.licence88_issued_on, s.albo_pvr_no, s.albo_pvr_expiry, s.adm_concession,
       s.contract_state, s.contract_start, s.contract_end,
       substr(c.iban, length(c.iban) - 3) AS iban_last4, c.iban_verified_at
FROM shops s LEFT JOIN companies c ON c.company_code = s.company_code
WHERE s.shop_code IN :keys
"""
_OPERATORS = """
SELECT operator_code, shop_code, role, status, email, phone_mobile, last_reset_at
FROM shop_operators WHERE shop_code IN :keys
"""
_TERMINALS = "SELECT terminal_id, shop_code, kind, state FROM terminals WHERE shop_code IN :keys"
_OUTBOX = """
SELECT request_key, kind, target_key, state, answer, requested_at, answered_at
FROM change_requests WHERE request_key IN :keys
"""
_EARLIER = """
SELECT request_key, case_key, kind, target_key, state, requested_at
FROM change_requests WHERE target_key IN :keys AND kind IN ('iban_change', 'credential_reset')
"""
_PLANS = "SELECT DISTINCT shop_kind, commission_plan FROM shops WHERE commission_plan IS NOT NULL"
_ALIKE = """
SELECT s.shop_code, c.vat_number, s.street FROM shops s JOIN companies c ON c.company_code = s.company_code
WHERE c.vat_number IN :keys
"""
_AT = "SELECT shop_code, street FROM shops WHERE lower(street) IN :keys"
_OPEN = """
SELECT source_key, case_number, shop_code, category, terminal_id FROM cases
WHERE shop_code IN :keys AND status NOT IN ('Resolved', 'Closed', 'Cancelled')
"""
_ADDRESSES = """
SELECT shop_code, public_ips FROM shops WHERE public_ips IS NOT NULL AND state NOT IN ('closed', 'transferred')
"""
_FAULTS = """
SELECT terminal_id, received_at FROM cases WHERE terminal_id IN :keys AND category = 'terminal_fault'
"""


def shops(ask: Ask, codes: Sequence[str]) -> dict[str, Row]:
    """Shops with their company, by shop code."""
    return {r["shop_code"]: _typed(r) for r in _all(ask, _SHOPS, codes)}


def operators(ask: Ask, codes: Sequence[str]) -> dict[str, dict[str, Row]]:
    """Operators by shop code and operator code."""
    return _nested(_all(ask, _OPERATORS, codes), "operator_code")


def terminals(ask: Ask, codes: Sequence[str]) -> dict[str, dict[str, Row]]:
    """Terminals by shop code and terminal id."""
    return _nested(_all(ask, _TERMINALS, codes), "terminal_id")


def outbox(ask: Ask, keys: Sequence[str]) -> dict[str, Row]:
    """The platform's change requests with these keys: state, answer, and when."""
    return {r["request_key"]: _typed(r) for r in _all(ask, _OUTBOX, keys)}


def earlier(ask: Ask, targets: Sequence[str]) -> list[Row]:
    """IBAN changes and credential resets ever asked for these companies and operators."""
    return [_typed(r) for r in _all(ask, _EARLIER, targets)]


def open_cases(ask: Ask, codes: Sequence[str]) -> list[Row]:
    """Cases of the shops that are not over: key, number, shop, category, terminal."""
    return list(_all(ask, _OPEN, codes))


def addresses(ask: Ask) -> list[Row]:
    """The public addresses of all shops that are not closed."""
    return list(ask(sa.text(_ADDRESSES)))


def plans(ask: Ask) -> dict[str, frozenset[str]]:
    """The commission plans (upper case) that shops have, by their kind."""
    found: dict[str, set[str]] = {}
    for row in ask(sa.text(_PLANS)):
        found.setdefault(str(row["shop_kind"]), set()).add(str(row["commission_plan"]).strip().upper())
    return {kind: frozenset(names) for kind, names in found.items()}


def alike(ask: Ask, vats: Sequence[str], streets: Sequence[str]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Shop codes by the VAT numbers of their companies, and by their streets in lower case."""
    by_vat: dict[str, set[str]] = {}
    by_street: dict[str, set[str]] = {}
    for row in _all(ask, _ALIKE, vats):
        by_vat.setdefault(str(row["vat_number"]), set()).add(str(row["shop_code"]))
    for row in _all(ask, _AT, [s.lower() for s in streets]):
        by_street.setdefault(str(row["street"]).lower(), set()).add(str(row["shop_code"]))
    return by_vat, by_street


def faults(ask: Ask, terminal_ids: Sequence[str]) -> list[Row]:
    """When faults of these terminals were received."""
    return [_typed(r) for r in _all(ask, _FAULTS, terminal_ids)]


def _all(ask: Ask, text: str, keys: Sequence[str]) -> Iterator[Row]:
    statement = sa.text(text).bindparams(sa.bindparam("keys", expanding=True))
    wanted = sorted({k for k in keys if k})
    for start in range(0, len(wanted), CHUNK):
        yield from ask(statement, keys=wanted[start : start + CHUNK])


def _nested(rows: Iterator[Row], name: str) -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["shop_code"], {})[row[name]] = _typed(row)
    return found


def _typed(row: Mapping[str, Any]) -> Row:
    """The row with its instants aware and its flags real."""
    found = dict(row)
    for name, value in row.items():
        if name.endswith("_at") and value is not None:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
            found[name] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        elif name == "overdue":
            found[name] = bool(value)
    return found
