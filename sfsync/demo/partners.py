"""Companies, shops, shop operators and terminals of the made-up operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sfsync.demo import identifiers as ids
from sfsync.demo.columns import DAY, Clock, codes, frame, pick, some
from sfsync.demo.identifiers import Texts
from sfsync.demo.people import COMPANY_WORDS, STREETS, SURNAMES, TOWNS
from sfsync.demo.players import persons

MODELS = {
    "pos": "Ingenico Move 5000",
    "ssbt": "Self Service BT-32",
    "printer": "Epson TM-T88VII",
    "scanner": "Zebra DS2208",
    "monitor": "Samsung QB43",
    "router": "Cisco C1111",
    "pc": "Lenovo M70q",
}
OFFICE_SHARE = {"negozio": 40.0, "corner": 38.0, "pvr": 20.0, "virtual": 2.0}


def companies(rng: np.random.Generator, n: int, clock: Clock) -> pd.DataFrame:
    """The ``companies`` table."""
    word, surname = rng.choice(np.array(COMPANY_WORDS), n), rng.choice(np.array(SURNAMES), n)
    form = pick(rng, {"S.r.l.": 6, "S.r.l.s.": 2, "S.n.c.": 2, "S.p.A.": 1}, n)
    vat = ids.vat_numbers(rng, n)
    letters = np.array(list("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"))
    verified = rng.random(n) < 0.9
    return frame(
        company_code=codes("C-", n, 5),
        legal_name=ids.join(word, " Giochi di ", surname, " ", form),
        vat_number=vat,
        company_fiscal_code=vat,
        pec=ids.join(np.char.lower(word), codes(".", n, 3), "@pec.example"),
        sdi_code=ids.join(*(rng.choice(letters, n) for _ in range(7))),
        iban=ids.ibans(rng, n),
        iban_verified_at=some(verified, clock.instant(rng.integers(5, 900, n) * DAY)),
        state=pick(rng, {"active": 94, "suspended": 3, "closed": 3}, n),
        updated_at=clock.instant(rng.integers(1, 90 * DAY, n) + 1_800),
    )


def shops(
    rng: np.random.Generator, n: int, clock: Clock, company_codes: Sequence[str], managers: Sequence[str]
) -> pd.DataFrame:
    """The ``shops`` table; every company has at least one shop while there are enough shops."""
    first = np.arange(n) % max(len(company_codes), 1)
    spread = np.where(np.arange(n) < len(company_codes), first, rng.integers(0, max(len(company_codes), 1), n))
    kind = pick(rng, OFFICE_SHARE, n)
    state = pick(rng, {"active": 88, "onboarding": 4, "suspended": 3, "closing": 2, "closed": 2, "prospect": 1}, n)
    shop_code = codes("", n, 6, start=1_000)
    return frame(
        shop_code=shop_code,
        company_code=np.array(company_codes)[spread],
        shop_kind=kind,
        **_place(rng, shop_code),
        **_papers(rng, clock, kind),
        **_contract(rng, clock, n),
        account_manager=some(state != "prospect", rng.choice(np.array(managers), n)),
        predecessor_shop=some((rng.random(n) < 0.03) & (np.arange(n) > 0), np.roll(shop_code, 1)),
        state=state,
        updated_at=clock.instant(rng.integers(1, 60 * DAY, n) + 1_800),
    )


def _place(rng: np.random.Generator, shop_code: Texts) -> dict[str, Any]:
    n = len(shop_code)
    weight = 1 / np.arange(1, len(TOWNS) + 1) ** 0.5
    town = np.array(TOWNS)[rng.choice(len(TOWNS), n, p=weight / weight.sum())]
    name = pick(rng, {"Agenzia": 4, "Bar": 3, "Tabaccheria": 3, "Punto": 2}, n)
    return {
        "trading_name": ids.join(name, " ", rng.choice(np.array(COMPANY_WORDS), n), " ", town[:, 0]),
        "street": ids.join(rng.choice(np.array(STREETS), n), " ", rng.integers(1, 200, n).astype("U4")),
        "city": town[:, 0],
        "cap": town[:, 3],
        "province": town[:, 1],
        "region": town[:, 2],
        "phone": ids.landlines(rng, town[:, 5]),
        "email": ids.join("pdv.", shop_code, "@shops.example"),
        "opening_hours": pick(rng, {"Mo-Su 09:00-22:00": 5, "Mo-Sa 08:00-20:00": 3, "Mo-Su 10:00-24:00": 2}, n),
    }


def _papers(rng: np.random.Generator, clock: Clock, kind: Texts) -> dict[str, Any]:
    n = len(kind)
    pvr, licensed = kind == "pvr", kind != "virtual"
    return {
        "adm_concession": pick(rng, {"15402": 5, "15215": 3, "16031": 2}, n),
        "adm_right_code": some(licensed & ~pvr, ids.join("D", ids.digits(rng, n, 7))),
        "licence88_no": some(licensed, ids.join("88/", ids.digits(rng, n, 5))),
        "licence88_issued_on": some(licensed, clock.date(rng.integers(60, 3_000, n))),
        "licence88_office": some(licensed, "Questura"),
        "albo_pvr_no": some(pvr, ids.join("PVR", ids.digits(rng, n, 6))),
        "albo_pvr_expiry": some(pvr, clock.date(-rng.integers(-20, 700, n))),
        "public_ips": some(licensed, ids.join("203.0.113.", rng.integers(1, 255, n).astype("U3"))),
    }


def _contract(rng: np.random.Generator, clock: Clock, n: int) -> dict[str, Any]:
    begun = rng.integers(30, 1_500, n)
    guarantee = rng.integers(5, 60, n) * 100_000
    return {
        "contract_no": codes("CT-", n, 6),
        "contract_start": clock.date(begun),
        "contract_end": clock.date(begun - 9 * 365),
        "contract_state": pick(rng, {"active": 90, "expired": 4, "draft": 3, "terminated": 3}, n),
        "commission_plan": pick(rng, {"BASE": 6, "PLUS": 3, "TOP": 1}, n),
        "credit_limit_minor": (guarantee * 0.8).astype(np.int64),
        "guarantee_minor": guarantee,
        "guarantee_expiry": clock.date(-rng.integers(-30, 1_000, n)),
        "currency": np.full(n, "EUR"),
        "overdue": rng.random(n) < 0.04,
    }


def operators(rng: np.random.Generator, clock: Clock, shop_codes: Texts, per_shop: float = 2.3) -> pd.DataFrame:
    """The ``shop_operators`` table: one owner for every shop, then others."""
    extra = rng.choice(shop_codes, round(len(shop_codes) * (per_shop - 1))) if len(shop_codes) else shop_codes
    shop = np.concatenate([shop_codes, extra])
    n = len(shop)
    people = persons(rng, n, clock)
    others = pick(rng, {"cashier": 6, "representative": 2, "viewer": 2}, n)
    role = np.where(np.arange(n) < len(shop_codes), "owner", others)
    code = codes("OP-", n, 6)
    return frame(
        operator_code=code,
        shop_code=shop,
        first_name=people.first,
        last_name=people.last,
        fiscal_code=people.fiscal_codes,
        role=role,
        preposto_approved_on=some(role == "representative", clock.date(rng.integers(10, 900, n))),
        email=ids.join(people.slugs, ".", np.char.lower(code), "@shops.example"),
        phone_mobile=ids.mobiles(rng, n),
        status=pick(rng, {"active": 92, "disabled": 6, "suspended": 2}, n),
        last_reset_at=some(rng.random(n) < 0.4, clock.instant(rng.integers(1, 300, n) * DAY)),
        password_hash=ids.join("$argon2id$v=19$m=65536,t=3,p=4$", ids.digits(rng, n, 9), ids.digits(rng, n, 9)),
        updated_at=clock.instant(rng.integers(1, 60 * DAY, n) + 1_800),
    )


def terminals(rng: np.random.Generator, clock: Clock, shop_codes: Texts, per_shop: float = 4.0) -> pd.DataFrame:
    """The ``terminals`` table."""
    extra = rng.choice(shop_codes, round(len(shop_codes) * (per_shop - 1))) if len(shop_codes) else shop_codes
    shop = np.concatenate([shop_codes, extra])
    n = len(shop)
    kind = pick(rng, {"pos": 30, "ssbt": 25, "printer": 15, "scanner": 8, "monitor": 10, "router": 7, "pc": 5}, n)
    return frame(
        terminal_id=codes("T-", n, 7),
        shop_code=shop,
        kind=kind,
        model=np.array(list(MODELS.values()))[[list(MODELS).index(k) for k in kind]],
        serial_number=ids.join("SN", ids.digits(rng, n, 9)),
        software_version=pick(rng, {"4.18.2": 6, "4.17.9": 3, "4.12.0": 1}, n),
        state=pick(rng, {"active": 90, "installed": 4, "faulty": 4, "retired": 2}, n),
        installed_on=clock.date(rng.integers(20, 1_500, n)),
        last_seen_at=clock.instant(rng.exponential(2 * DAY, n).astype(int)),
        updated_at=clock.instant(rng.integers(1, 30 * DAY, n) + 1_800),
    )
