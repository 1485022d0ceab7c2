"""The main paths, one cassette each: what is arranged, and what is said to the org.

The story is one path of several cassettes: each part starts from what the one before left behind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from sfsync.demo import edits
from sfsync.errors import SfsyncError
from sfsync.mapping.model import Mapping
from sfsync.sides.salesforce.ways import Ways
from sfsync.sides.side import TEXT, Outcomes, Write, concat
from tests.cassettes.stage import Stage

NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"


@dataclass(frozen=True)
class Path:
    """A path: its cassettes, how it is played, and what it asks of the org (a way in; a control plane)."""

    cassettes: tuple[str, ...]
    play: Callable[[Stage], None]
    way: str = "session"
    control: bool = False


# -- ways in ------------------------------------------------------------------------------------------------


def _login(way: str) -> Path:
    def play(stage: Stage) -> None:
        with stage.reel(f"login-{way}") as reel:
            side = stage.side(way)
            found = side.query("SELECT Id FROM Organization")
            reel.outcome = f"{side.username()} in {side.identity()}, {len(found)} org"
            reel.api_calls = side.api_calls
            side.close()

    return Path((f"login-{way}",), play, way)


def _refresh(stage: Stage) -> None:
    side = stage.side("client-credentials")
    with stage.reel("session-renewed") as reel:
        side.query("SELECT Id FROM Organization")
        stage.office.revoke(str(side.session.connect().session_id))
        rows = side.query("SELECT Id FROM Organization")
        reel.api_calls, reel.outcome = side.api_calls, f"{len(rows)} org"
    side.close()


# -- describes ----------------------------------------------------------------------------------------------


def _describe(stage: Stage) -> None:
    with stage.reel("describe") as reel:
        for _ in range(2):  # the second time nothing has changed since
            side = stage.side()
            side.prepare(list(stage.mappings.values()))
            findings = [f.code for m in stage.mappings.values() for f in side.check(m) if f.level == "error"]
            reel.api_calls += side.api_calls
            side.close()
        reel.outcome = f"drift: {findings}"


# -- the story ----------------------------------------------------------------------------------------------


def _story(stage: Stage) -> None:
    stage.opens()
    stage.knows_the_org()
    for name, prepare in STORY.items():
        prepare(stage)
        with stage.reel(name) as reel:
            stage.undo(reel) if name == "undo" else stage.sync(reel)
        stage.later()


def _nothing(stage: Stage) -> None:
    """Nobody does anything."""


def _one_player(stage: Stage) -> None:
    edits.change_emails(stage.url, 1)


def _excluded(stage: Stage) -> None:
    """Two things change at once; the flags go first, in a call of their own."""
    edits.self_exclude(stage.url, "P-0000002")
    _new_email(stage, "P-0000002", "nuova.casella@posta.example")


def _agent_at_work(stage: Stage) -> None:
    stage.office.create(
        "Case",
        record_type="Player",
        Account={"SFS_Player_Id__c": "P-0000003"},
        Subject="Chiede il limite di deposito",
        Origin="phone",
        Type="limits",
        SFS_Tier__c="STANDARD",
    )


def _shop_missing(stage: Stage) -> None:
    edits.case_without_shop(stage.url)
    received = "UPDATE cases SET received_at = :now WHERE source_key = 'PL-HOLD-1'"
    stage.sql(received, now=f"{stage.now:%Y-%m-%d %H:%M:%S}")


def _shop_opens(stage: Stage) -> None:
    stage.sql(
        "INSERT INTO shops (shop_code, company_code, shop_kind, trading_name, state, currency, overdue, updated_at) "
        f"VALUES (:code, 'C-00001', 'corner', 'Punto Nuovo', 'active', 'EUR', false, {NOW})",
        code=edits.NO_SUCH_SHOP,
    )


def _new_email(stage: Stage, key: str, email: str) -> None:
    stage.sql(f"UPDATE players SET email = :email, updated_at = {NOW} WHERE player_id = :key", key=key, email=email)


def _two_dots(stage: Stage) -> None:
    """An address that passes every rule of ours, and that Salesforce refuses."""
    _new_email(stage, "P-0000004", "due..punti@posta.example")


def _good_address(stage: Stage) -> None:
    edits.change_emails(stage.url, 4)


def _new_company(stage: Stage) -> None:
    stage.sql(
        "INSERT INTO companies (company_code, legal_name, state, updated_at) "
        f"VALUES ('C-NUOVA', 'Giochi Nuovi srl', 'active', {NOW})"
    )


STORY: dict[str, Callable[[Stage], None]] = {
    "first-run": _nothing,
    "idle-run": _nothing,
    "changed-player": _one_player,
    "self-exclusion": _excluded,
    "case-born-in-salesforce": _agent_at_work,
    "missing-parent": _shop_missing,
    "parent-arrives": _shop_opens,
    "refused-row": _two_dots,
    "refused-row-corrected": _good_address,
    "new-company": _new_company,
    "undo": _nothing,
}


# -- much at once -------------------------------------------------------------------------------------------


def _companies(mapping: Mapping, count: int) -> Write:
    keys = pd.Index([f"BULK-{n:03}" for n in range(count)], dtype=TEXT, name="key")
    values = pd.DataFrame(None, index=keys, columns=list(mapping.columns), dtype=TEXT)
    values["legal_name"] = [f"Azienda {n} srl" for n in range(count)]
    values["state"] = "active"
    values.loc[keys[-1], "pec"] = "nessun indirizzo"
    return Write("create", keys, pd.Series(pd.NA, index=keys, dtype=TEXT), values, values.notna().to_numpy(bool))


def _bulk_upsert(stage: Stage) -> None:
    stage.knows_the_org()
    side, company = stage.side(ways=Ways(small_rows=5)), stage.mappings["company"]
    with stage.reel("bulk-upsert") as reel:
        found = list(side.write(company, _companies(company, 12)))
        reel.api_calls, reel.outcome = side.api_calls, _counted(found)
    side.close()


def _counted(found: list[Outcomes]) -> str:
    rows = pd.concat([o.rows for o in found])
    counts = rows["result"].value_counts().sort_index()
    return ", ".join([*(f"{n} {what}" for what, n in counts.items()), *rows["code"].dropna()])


def _bulk_query(stage: Stage) -> None:
    for n in range(12):
        stage.office.create(
            "Account",
            record_type="Partner_Company",
            Name=f"Azienda {n} srl",
            SFS_Company_Code__c=f"Q-{n}",
            SFS_State__c="active",
        )
    stage.knows_the_org()
    side, company = stage.side(ways=Ways(bulk_from=5)), stage.mappings["company"]
    with stage.reel("bulk-query") as reel:
        read = concat(company, list(side.changes(company, side.window(company, None))))
        reel.api_calls = side.api_calls
        ours = read.values[read.values.index.str.startswith("Q-")]
        reel.outcome = f"{len(ours)} companies, {'all' if ours['legal_name'].notna().all() else 'not all'} named"
    side.close()


def _no_calls_left(stage: Stage) -> None:
    stage.opens()
    stage.knows_the_org()
    stage.office.control("limits", DailyApiRequests={"Max": 100, "Remaining": 0})
    with stage.reel("no-calls-left") as reel:
        try:
            stage.sync(reel)
        except SfsyncError as error:
            reel.outcome = f"exit {int(error.exit_status)}; {error.code}"


PATHS = (
    Path(("describe",), _describe),
    Path(tuple(STORY), _story),
    *(_login(way) for way in ("jwt", "client-credentials", "password")),
    Path(("session-renewed",), _refresh, "client-credentials"),
    Path(("bulk-upsert",), _bulk_upsert),
    Path(("bulk-query",), _bulk_query),
    Path(("no-calls-left",), _no_calls_left, control=True),
)
