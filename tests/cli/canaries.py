"""Marked values in every personal column, in every column that must stay at home, and in the credentials.

``STAYS``: must not leave the platform in any form. ``PERSONAL``: may reach Salesforce and a plan's Parquet, but no
screen, log, error, JSON or ledger. ``SECRETS``: must not be anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tests.cli.project import Done, Project

STAYS = {
    "players": {
        "birth_date": "1977-07-07",
        "street": "Qzstreet 77",
        "kyc_doc_number": "QZDOC7700",
        "self_exclusion_kind": "qzexcluded",
        "self_excluded_from": "2031-03-13 03:13:13",
        "self_excluded_to": "2032-04-14 04:14:14",
        "rg_risk_score": "66677788",
        "aml_risk": "qzlaunder",
        "balance_minor": "987654321012",
        "theo_minor": "876543210123",
        "iban": "IT60QZIBAN000000123456",
        "card_pan": "4929777788889991",
        "fiscal_code": "QZPLFC77L07H501X",  # leaves as a hash
        "account_code": "QZACCOUNT0001",  # leaves as its last four
    },
    "shop_operators": {"password_hash": "qzhash$77", "fiscal_code": "QZOPFC77L07H501X"},
    "companies": {"company_fiscal_code": "QZCOFC77L07H501X", "iban": "IT60X0542811101000000123456"},
}
PERSONAL = {
    "players": {
        "username": "qzuser",
        "first_name": "Qzfirst",
        "last_name": "Qzlast",
        "email": "qz.player@example.com",
        "phone_mobile": "+393917771234",
        "city": "Qzcity",
        "preferred_channels": "qzchannel",
    },
    "shop_operators": {
        "first_name": "Qzofirst",
        "last_name": "Qzolast",
        "email": "qz.operator@example.com",
        "phone_mobile": "+393917775678",
    },
    "companies": {"pec": "qz.pec@example.com", "sdi_code": "QZSDI77"},
    "shops": {"email": "qz.shop@example.com", "phone": "+390677712345", "credit_limit_minor": "7766554433"},
    "cases": {
        "subject": "Qzsubject of the case",
        "description": "Qzdescription of the case",
        "amount_minor": "66554433",
        "transaction_ref": "QZTXN7700",
        "subcategory": "qzsubcategory",
    },
}
REFUSED = "qzrefused"  # a value the org refuses with a message that quotes it
SECRETS = ("qzpassword", "qztoken", "qzsecret", "qzkeyqzkeyqzkeyqzkeyqzkeyqzkeyqzkey")
WRITTEN_OTHERWISE = {"+393917771234": "3917771234", "+393917775678": "3917775678", "+390677712345": "0677712345"}
MONEY = ("77665544.33", "665544.33", "77,665,544", "665,544")


def texts(table: dict[str, dict[str, str]]) -> set[str]:
    """Canaries of a group as they would be seen, lower case."""
    found = {v for columns in table.values() for v in columns.values()}
    found = {WRITTEN_OTHERWISE.get(v, v) for v in found}
    return {v.lower().removesuffix(" of the case") for v in found}


STAYING = texts(STAYS) | {"0542811101000000", "qziban", "qzaccount"}
HIDDEN = STAYING | texts(PERSONAL) | {REFUSED, *SECRETS, *MONEY}


def plant(project: Project) -> None:
    """Put the canaries into every row of the platform; users, keys and parents stay as they are."""
    for group in (STAYS, PERSONAL):
        for table, columns in group.items():
            cells = ", ".join(f"{c} = :{c}" for c in columns)
            project.sql(f"UPDATE {table} SET {cells}", **columns)


def seen(text: str, wanted: set[str] = HIDDEN) -> set[str]:
    """The canaries in a text."""
    lowered = text.lower()
    return {c for c in wanted if c in lowered}


def in_bytes(path: Path, wanted: set[str]) -> set[str]:
    """The canaries in a file, as UTF-8 or UTF-16, whatever it is."""
    body = path.read_bytes().lower()
    return {c for c in wanted if c.encode() in body or c.encode("utf-16-le") in body}


def in_folder(folder: Path) -> dict[str, set[str]]:
    """Canaries in what sfsync keeps: everything it must not hold; a plan's Parquet may hold what leaves anyway."""
    found = {}
    for path in _files(folder):
        if path.suffix == ".parquet":
            hits = seen(pd.read_parquet(path).astype(str).to_csv(), STAYING | set(SECRETS))
        else:
            hits = in_bytes(path, HIDDEN)
        if hits:
            found[str(path.relative_to(folder))] = hits
    return found


def _files(folder: Path) -> Iterator[Path]:
    return (p for p in folder.rglob("*") if p.is_file())


@dataclass
class Watch:
    """Runs commands and fails at the first one that shows a canary."""

    project: Project

    def __call__(self, *arguments: str, exit: int | None = 0, allowed: set[str] = frozenset(), **env: str) -> Done:  # type: ignore[assignment]
        """A command whose output and whose traces must hold no canary but the ``allowed`` ones."""
        done = self.project.run(*arguments, **env)
        return self.look(arguments, done, exit, allowed)

    def dying(self, *arguments: str, **env: str) -> Done:
        """The same in a process that is killed on its way."""
        return self.look(arguments, self.project.process(*arguments, **env), -9, set())

    def look(self, arguments: tuple[str, ...], done: Done, exit: int | None, allowed: set[str]) -> Done:
        """Fail if anything was shown or kept."""
        assert exit is None or done.exit == exit, (arguments, done)
        shown = seen(done.said) - allowed
        assert not shown, (arguments, shown)
        kept = in_folder(self.project.folder / ".sfsync")
        assert not kept, (arguments, kept)
        return done
