"""Players of the made-up operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sfsync.demo import identifiers as ids
from sfsync.demo.columns import DAY, Clock, codes, frame, pick, some
from sfsync.demo.identifiers import Texts
from sfsync.demo.people import MEN, STREETS, SURNAMES, TOWNS, WOMEN

Columns = dict[str, Any]
NAMES = (*MEN, *WOMEN)
TIERS = {"STANDARD": 96.0, "VIP": 3.5, "VVIP": 0.5}
STATUSES = {"active": 84, "dormant": 8, "provisional": 3, "suspended": 2, "closed": 2.5, "blocked": 0.5}
DOMAINS = np.array(["example.com", "example.org", "example.net", "posta.example", "mail.example"])


@dataclass(frozen=True)
class Persons:
    """Names, sex and birth of people, as positions in the word lists."""

    surname: Texts
    name: Texts
    women: Texts
    born: Texts
    town: Texts

    @property
    def first(self) -> Texts:
        """First names."""
        return np.array(NAMES)[self.name]

    @property
    def last(self) -> Texts:
        """Surnames."""
        return np.array(SURNAMES)[self.surname]

    @property
    def fiscal_codes(self) -> Texts:
        """Codici fiscali with right check letters."""
        cadastral = np.array([t[4] for t in TOWNS])[self.town]
        return ids.fiscal_codes(SURNAMES, self.surname, NAMES, self.name, self.women, self.born, cadastral)

    @property
    def slugs(self) -> Texts:
        """``name.surname`` in plain lower-case letters."""
        first = np.array([ids.ascii_letters(n).lower() for n in NAMES])[self.name]
        last = np.array([ids.ascii_letters(n).lower() for n in SURNAMES])[self.surname]
        return ids.join(first, ".", last)


def persons(rng: np.random.Generator, n: int, clock: Clock) -> Persons:
    """``n`` grown-ups of 19 to 78 years, big towns more often than small ones."""
    weight = 1 / np.arange(1, len(TOWNS) + 1) ** 0.6
    women = rng.random(n) < 0.31
    name = np.where(women, len(MEN) + rng.integers(0, len(WOMEN), n), rng.integers(0, len(MEN), n))
    age_days = (19 * 365.25 + 59 * 365.25 * rng.beta(1.6, 2.6, n)).astype(int)
    return Persons(
        surname=rng.integers(0, len(SURNAMES), n),
        name=name,
        women=women,
        born=clock.today - age_days.astype("timedelta64[D]"),
        town=rng.choice(len(TOWNS), n, p=weight / weight.sum()),
    )


def make(rng: np.random.Generator, n: int, clock: Clock, shops: Texts, hosts: Sequence[str]) -> pd.DataFrame:
    """The ``players`` table: ``n`` rows in the column order of the schema."""
    people = persons(rng, n, clock)
    age = (rng.beta(0.9, 1.4, n) * 2_400 * DAY).astype(int) + 2 * DAY  # seconds since registration
    tier = pick(rng, TIERS, n)
    columns = _who(rng, people, clock)
    columns |= _account(rng, tier, hosts)
    columns |= _identity(rng, clock, age)
    columns |= _guarded(rng, clock, people)
    columns |= _consents(rng, clock, age)
    columns |= _habits(rng, clock, age, shops, tier)
    return frame(**columns)


def _who(rng: np.random.Generator, people: Persons, clock: Clock) -> Columns:
    n = len(people.name)
    towns = np.array([t[:2] for t in TOWNS])[people.town]
    number = np.arange(1, n + 1).astype("U9")
    return {
        "player_id": codes("P-", n, 7),
        "account_code": ids.join("GAD", ids.digits(rng, n, 3), codes("", n, 8)),
        "username": ids.join(people.slugs, number),
        "first_name": people.first,
        "last_name": people.last,
        "birth_date": np.datetime_as_string(people.born),
        "fiscal_code": people.fiscal_codes,
        "email": ids.join(people.slugs, ".", number, "@", rng.choice(DOMAINS, n)),
        "phone_mobile": some(rng.random(n) < 0.97, ids.mobiles(rng, n)),
        "street": ids.join(rng.choice(np.array(STREETS), n), " ", rng.integers(1, 240, n).astype("U4")),
        "city": towns[:, 0],
        "province": towns[:, 1],
        "country": np.full(n, "IT"),
        "language": pick(rng, {"it": 95, "en": 3, "de": 1, "es": 0.5, "fr": 0.5}, n),
        "currency": np.full(n, "EUR"),
    }


def _account(rng: np.random.Generator, tier: Texts, hosts: Sequence[str]) -> Columns:
    n = len(tier)
    cared_for = tier != "STANDARD"
    return {
        "tier": tier,
        "segment": pick(rng, {"sport": 52, "casino": 24, "poker": 8, "virtual": 6, "mixed": 10}, n),
        "host": some(cared_for, rng.choice(np.array(hosts), n)),
        "loyalty_card": some(cared_for | (rng.random(n) < 0.2), codes("LC", n, 9)),
        "account_status": pick(rng, STATUSES, n),
    }


def _identity(rng: np.random.Generator, clock: Clock, age: Texts) -> Columns:
    n = len(age)
    kyc = np.where(age < 30 * DAY, pick(rng, {"none": 2, "pending": 3, "verified": 5}, n), "verified")
    kyc = np.where(rng.random(n) < 0.03, pick(rng, {"expired": 4, "rejected": 1}, n), kyc)
    waiting = (kyc == "none") | (kyc == "pending")
    letters = np.array(list("ABCDEFGHILMNPRSTUVZ"))
    one, two, three = (rng.choice(letters, n) for _ in range(3))
    number = ids.join("C", one, ids.digits(rng, n, 5), two, three)
    return {
        "kyc_status": kyc,
        "kyc_due_on": some(waiting, clock.date(age // DAY - 30)),
        "kyc_doc_type": some(kyc != "none", pick(rng, {"identity_card": 80, "passport": 8, "driving_licence": 12}, n)),
        "kyc_doc_expiry": some(kyc != "none", clock.date(-rng.integers(1, 3_600, n))),
        "kyc_doc_number": some(kyc != "none", number),
    }


def _guarded(rng: np.random.Generator, clock: Clock, people: Persons) -> Columns:
    """Suppression flags and everything that has to stay on the platform, filled so that a leak would be seen."""
    n = len(people.name)
    kind = pick(rng, {"": 994, "30": 2, "60": 1, "90": 1, "open": 2}, n)
    excluded = kind != ""
    start = rng.integers(1, 29, n)
    length = np.char.replace(np.where(np.isin(kind, ["", "open"]), "0", kind), " ", "").astype(int)
    return {
        "contact_suppressed": excluded | (rng.random(n) < 0.004),
        "bonus_blocked": excluded | (rng.random(n) < 0.01),
        "self_exclusion_kind": some(excluded, kind),
        "self_excluded_from": some(excluded, clock.instant(start * DAY)),
        "self_excluded_to": some(excluded & (length > 0), clock.instant((start - length) * DAY)),
        "rg_risk_score": rng.integers(0, 100, n),
        "aml_risk": pick(rng, {"low": 90, "medium": 9, "high": 1}, n),
        "balance_minor": (rng.lognormal(7.5, 1.6, n)).astype(np.int64),
        "theo_minor": (rng.lognormal(8.2, 1.8, n)).astype(np.int64),
        "value_band": pick(rng, {"A": 2, "B": 6, "C": 17, "D": 30, "E": 45}, n),
        **_payment(rng, n),
    }


def _payment(rng: np.random.Generator, n: int) -> Columns:
    method = pick(rng, {"visa": 45, "mastercard": 30, "postepay": 15, "bank_transfer": 6, "": 4}, n)
    card = np.isin(method, ["visa", "mastercard", "postepay"])
    pan, iban = ids.card_numbers(rng, n), ids.ibans(rng, n)
    last4 = np.where(card, _last(pan, 4), _last(iban, 4))
    return {
        "pay_method": some(method != "", method),
        "pay_last4": some(method != "", last4),
        "iban": some((method == "bank_transfer") | (rng.random(n) < 0.2), iban),
        "card_pan": some(card, pan),
    }


def _last(texts: Texts, count: int) -> Texts:
    """The last characters of texts of one length."""
    letters = np.ascontiguousarray(texts).view("U1").reshape(len(texts), -1)
    return np.ascontiguousarray(letters[:, -count:]).view(f"U{count}").ravel()


def _consents(rng: np.random.Generator, clock: Clock, age: Texts) -> Columns:
    n = len(age)
    out: Columns = {}
    for channel, share in (("email", 0.46), ("sms", 0.31), ("call", 0.12)):
        out[f"mkt_{channel}"] = rng.random(n) < share
        asked = clock.instant((age * rng.random(n)).astype(int))
        out[f"mkt_{channel}_changed_at"] = some(rng.random(n) < 0.93, asked)
    return out


def _habits(rng: np.random.Generator, clock: Clock, age: Texts, shops: Texts, tier: Texts) -> Columns:
    n = len(age)
    told = rng.random(n) < np.where(tier == "STANDARD", 0.05, 0.8)
    login = np.minimum(rng.exponential(25, n), age / DAY).astype(int)
    signup = rng.random(n) < (0.35 if len(shops) else 0)
    return {
        "preferred_channels": some(told, pick(rng, {"email": 3, "email;phone": 2, "messenger": 3, "phone": 2}, n)),
        "quiet_mode": some(told, rng.random(n) < 0.1),
        "quiet_windows": some(told & (rng.random(n) < 0.5), pick(rng, {"22:00-08:00": 3, "13:00-15:00": 1}, n)),
        "report_format": some(told & (rng.random(n) < 0.6), pick(rng, {"pdf": 3, "html": 1}, n)),
        "signup_shop_code": some(signup, rng.choice(shops, n) if len(shops) else ""),
        "registered_at": clock.instant(age),
        "last_login_on": some(rng.random(n) < 0.96, clock.date(login)),
        "churn_state": pick(rng, {"active": 70, "at_risk": 14, "lost": 12, "reactivated": 4}, n),
        "erasure_state": pick(rng, {"none": 995, "requested": 3, "restricted": 2}, n),
        "updated_at": clock.instant(np.minimum(rng.exponential(20 * DAY, n) + 1_800, age).astype(int)),
    }
