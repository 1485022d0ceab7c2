"""Logging in, staying in, and what happens when the wire breaks: against the rehearsal org."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from sfsync import settings
from sfsync.errors import BudgetReached, ConfigError, LoginRefused, Unreachable
from sfsync.sides.salesforce import faults
from sfsync.sides.salesforce.budget import Budget
from sfsync.sides.salesforce.refusals import refused
from sfsync.sides.salesforce.session import Patience, ReplyLost, Session
from tests.sides.salesforce.conftest import QUICK, World

WAYS = ["jwt", "client-credentials", "session", "password", "oauth-password"]


def session(world: World, shares: settings.Budget | None = None, **changes: Any) -> Session:
    budget = Budget(shares or settings.Budget(per_run=1, org_wide_stop=1))
    return Session(world.config(**changes), budget, QUICK)


def way_in(world: World, way: str) -> dict[str, Any]:
    ready = world.ready
    key = {"consumer_key": ready.consumer_key, "consumer_secret": ready.consumer_secret}
    return {
        "jwt": {"auth": "jwt", "consumer_key": ready.consumer_key, "private_key_file": ready.private_key_file},
        "client-credentials": {"auth": "client-credentials", **key},
        "session": {},
        "password": {"auth": "password", "password": ready.password, "security_token": ready.security_token},
        "oauth-password": {"auth": "password", "password": ready.password, **key},
    }[way]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_reaches_the_same_org(world: World, way: str) -> None:
    side = world.side(**{"access_token": None, **way_in(world, way)} if way != "session" else {})
    assert side.identity()[:3] == "00D"
    assert len(side.identity()) == 18
    assert side.username() == world.ready.username
    assert side.query("SELECT COUNT() FROM Account") == []
    assert side.api_calls == world.stats()["api_calls"] == 1


@pytest.mark.parametrize("way", [w for w in WAYS if w != "session"])
def test_a_session_that_ended_is_renewed_and_the_headers_stay(world: World, way: str) -> None:
    live = session(world, access_token=None, **way_in(world, way))
    live.call("GET", "limits")
    world.control("faults", kind="expire_session", match="composite")
    body = {"compositeRequest": [{"method": "GET", "url": f"{live.data_path}limits", "referenceId": "a"}]}
    answer = live.call("POST", "composite", json_body=body, headers={"X-PrettyPrint": "1"})
    assert answer.data["compositeResponse"][0]["httpStatusCode"] == 200


def test_a_token_given_by_hand_cannot_be_renewed(world: World) -> None:
    live = session(world, access_token="00Dxx!wrong")
    with pytest.raises(LoginRefused) as stopped:
        live.call("GET", "limits")
    assert stopped.value.code == "INVALID_SESSION_ID"
    assert "SFSYNC_SALESFORCE__ACCESS_TOKEN" in stopped.value.next_step
    assert "wrong" not in str(stopped.value)


def test_many_threads_renew_once(world: World) -> None:
    live = session(world, access_token=None, **way_in(world, "jwt"))
    live.call("GET", "limits")
    token = live.connect().session_id
    world.control("faults", kind="expire_session", match="limits", times=1)
    threads = [threading.Thread(target=live.call, args=("GET", "limits")) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert live.connect().session_id != token
    live.call("GET", "limits")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"auth": "jwt", "consumer_key": "nobody", "private_key_file": "KEY"}, "invalid_client_id"),
        (
            {"auth": "jwt", "username": "ghost@rehearsal.example", "consumer_key": "KEY", "private_key_file": "KEY"},
            None,
        ),
        ({"auth": "client-credentials", "consumer_key": "KEY", "consumer_secret": "no"}, "invalid_client"),
        ({"auth": "password", "password": "no", "security_token": "no"}, "INVALID_LOGIN"),
    ],
)
def test_a_refused_login_says_what_to_do(world: World, changes: dict[str, Any], code: str | None) -> None:
    known = {"consumer_key": world.ready.consumer_key, "private_key_file": world.ready.private_key_file}
    real = {k: known.get(k, v) if v == "KEY" else v for k, v in changes.items()}
    with pytest.raises(LoginRefused) as stopped:
        session(world, access_token=None, **real).connect()
    assert stopped.value.exit_status == 9
    assert stopped.value.next_step
    assert code is None or stopped.value.code == code


@pytest.mark.parametrize(
    ("error", "description", "word"),
    [
        ("invalid_grant", "expired authorization code", "clock"),
        ("invalid_grant", "user hasn't approved this consumer", "admin approved"),
        ("invalid_grant", "audience is invalid", "test.salesforce.com"),
        ("invalid_grant", "invalid assertion", "certificate"),
        ("invalid_grant", "inactive user", "activate"),
        ("invalid_grant", "authentication failure - Invalid Password", "security token"),
        ("LOGIN_MUST_USE_SECURITY_TOKEN", "…", "security_token"),
    ],
)
def test_every_cause_has_its_own_next_step(error: str, description: str, word: str) -> None:
    found = refused(error, description)
    assert word in found.next_step
    assert found.code == error


@pytest.mark.parametrize("auth", ["jwt", "client-credentials", "session", "password"])
def test_a_missing_setting_is_named_with_its_twin(auth: str) -> None:
    config = settings.Salesforce.model_validate({"auth": auth, "instance_url": "https://x.example"})
    with pytest.raises(ConfigError) as stopped:
        Session(config, Budget(settings.Budget())).connect()
    assert "SFSYNC_SALESFORCE__" in stopped.value.next_step


def test_a_key_that_is_no_key(world: World, tmp_path: Path) -> None:
    path = tmp_path / "server.key"
    path.write_text("-----BEGIN nonsense")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="not an RSA key"):
        session(world, access_token=None, auth="jwt", consumer_key="x", private_key_file=path).connect()


SF = """#!/bin/sh
case "$*" in
  *show-access-token*) echo '{{"status":0,"result":{{"accessToken":"{token}"}}}}';;
  *"--target-org prod"*) echo '{{"status":0,"result":{{"accessToken":"[REDACTED] Use another command",
    "instanceUrl":"{url}","username":"{username}"}}}}';;
  *) echo '{{"status":1,"name":"NoDefaultEnvError","message":"secret"}}'; exit 1;;
esac
"""


@pytest.fixture
def sf_program(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "sf"
    program.parent.mkdir()
    ready = world.ready
    program.write_text(SF.format(token=ready.access_token, url=ready.instance_url, username=ready.username))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("sf_program")
def test_the_sf_program_lends_its_session(world: World) -> None:
    side = world.side(auth="sf-cli", target_org="prod", access_token=None, instance_url="", username="")
    assert side.query("SELECT COUNT() FROM Account") == []
    assert side.username() == world.ready.username


@pytest.mark.usefixtures("sf_program")
def test_the_sf_program_without_an_org(world: World) -> None:
    with pytest.raises(LoginRefused) as stopped:
        session(world, auth="sf-cli", access_token=None, instance_url="").connect()
    assert stopped.value.code == "NoDefaultEnvError"
    assert "secret" not in str(stopped.value)


# -- a wire that breaks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503, "body": "<html>maintenance</html>"},
        {"kind": "status", "status": 502},
        {"kind": "status", "status": 420},
        {"kind": "status", "status": 400, "body": [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "x", "fields": []}]},
        {"kind": "drop_before"},
        {"kind": "drop_after"},
        {"kind": "truncate"},
    ],
    ids=lambda f: f"{f['kind']}{f.get('status', '')}",
)
def test_a_short_outage_is_not_noticed(world: World, fault: dict[str, Any]) -> None:
    live = session(world)
    world.control("faults", match="limits", times=2, **fault)
    assert "DailyApiRequests" in live.call("GET", "limits").data
    assert live.budget.calls == 3


def test_a_long_outage_ends_in_unreachable(world: World) -> None:
    live = session(world)
    world.control("faults", kind="drop_before", match="limits", times=None)
    with pytest.raises(Unreachable) as stopped:
        live.call("GET", "limits")
    assert not isinstance(stopped.value, ReplyLost)
    assert stopped.value.exit_status == 9
    assert live.budget.calls == QUICK.attempts


def test_a_call_that_must_not_be_repeated_is_not(world: World) -> None:
    live = session(world)
    world.control("faults", kind="drop_after", match="POST .*sobjects/Account", times=1)
    with pytest.raises(ReplyLost):
        live.call("POST", "sobjects/Account", json_body={"Name": "Once"}, resend=False)
    rows = live.call("GET", "query?q=SELECT+COUNT()+FROM+Account").data
    assert rows["totalSize"] == 1


def test_nobody_listens(tmp_path: Path) -> None:
    config = settings.Salesforce.model_validate(
        {"auth": "session", "instance_url": "http://127.0.0.1:9", "access_token": "00D!x"}
    )
    live = Session(config, Budget(settings.Budget()), Patience(attempts=2, first_s=0.01, most_s=0.01))
    with pytest.raises(Unreachable) as stopped:
        live.call("POST", "composite", json_body={})
    assert not isinstance(stopped.value, ReplyLost)  # it never left
    config = config.model_copy(update={"auth": "client-credentials", "consumer_key": config.access_token})
    config = config.model_copy(update={"consumer_secret": config.access_token})
    with pytest.raises(Unreachable, match="login host"):
        Session(config, Budget(settings.Budget()), QUICK).connect()


def test_a_refusal_is_not_repeated(world: World) -> None:
    live = session(world)
    with pytest.raises(faults.Refused) as stopped:
        live.call("GET", "query?q=SELECT+Nothing+FROM+Account")
    assert (stopped.value.status, stopped.value.code) == (400, "INVALID_FIELD")
    assert live.budget.calls == 1


def test_the_orgs_own_limit_stops_the_run(world: World) -> None:
    world.control("limits", DailyApiRequests={"Max": 100, "Remaining": 0})
    with pytest.raises(BudgetReached):
        session(world).call("GET", "limits")


def test_the_budget_stops_before_the_org_does(world: World) -> None:
    world.control("limits", DailyApiRequests={"Max": 40, "Remaining": 40})
    live = session(world, settings.Budget(per_run=0.25, org_wide_stop=1))
    with pytest.raises(BudgetReached):
        for _ in range(20):
            live.call("GET", "limits")
    assert live.budget.calls == world.stats()["api_calls"] == 9
