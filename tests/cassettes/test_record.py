"""Recording again: a living org and the cassettes agree, and what was secret in the recording is not on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from sfsync import settings
from sfsync.rehearsal.serve import Ready, running
from tests.cassettes.calls import COSTS
from tests.cassettes.paths import PATHS, STORY
from tests.cassettes.record import Recorder, news, rehearsal_org, sandbox
from tests.cassettes.stage import ROOT, Reel
from tests.cassettes.tape import FOLDER

pytestmark = pytest.mark.xdist_group("cassettes recorded")
SECRETS = ("access_token", "consumer_key", "consumer_secret", "password", "security_token")


@dataclass
class Recording:
    """What was recorded again, where, and by whom."""

    folder: Path
    reels: dict[str, Reel]
    recorder: Recorder


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    work = tmp_path_factory.mktemp("recorded")
    with rehearsal_org(work) as recorder:
        reels: dict[str, Reel] = {}
        for scene in PATHS:
            reels |= recorder.record(scene, work / "cassettes", work)
    yield Recording(work / "cassettes", reels, recorder)


@pytest.mark.parametrize("name", COSTS)
def test_a_living_org_sees_the_same_calls(again: Recording, name: str) -> None:
    reel = again.reels[name]
    assert (reel.api_calls, reel.outcome, reel.calls) == COSTS[name]


def test_the_secrets_of_the_recording_are_not_on_it(again: Recording) -> None:
    ways = again.recorder.ways.values()
    secrets = {str(v) for way in ways for k, v in way.items() if k in SECRETS}
    assert len(secrets) == len(SECRETS)
    for path in again.folder.glob("*.yaml"):
        text = path.read_text("utf-8")
        assert not [s for s in secrets if s in text], path.name
        assert again.recorder.office.agent.url.partition("://")[2] not in text


def test_recording_twice_gives_the_same_text(again: Recording, tmp_path: Path) -> None:
    scenes = [s for s in PATHS if s.cassettes[0] in ("describe", "bulk-upsert", "session-renewed")]
    with rehearsal_org(tmp_path) as recorder:
        for scene in scenes:
            recorder.record(scene, tmp_path / "cassettes", tmp_path)
    for path in (tmp_path / "cassettes").glob("*.yaml"):
        assert news(again.folder / path.name, path) == []


def test_a_difference_is_told(tmp_path: Path) -> None:
    old, new = FOLDER / "login-jwt.yaml", tmp_path / "login-jwt.yaml"
    new.write_text(old.read_text("utf-8").replace("Organization", "Organisation"), "utf-8")
    assert news(old, new)[0] == "2 lines new, 2 gone"


# -- a sandbox ----------------------------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Ready]:
    with running(tmp_path / "org", force_app=ROOT / "force-app") as ready:
        yield ready


def config(ready: Ready) -> settings.Salesforce:
    """How somebody with a sandbox would enter it."""
    return settings.Salesforce.model_validate(
        {
            "auth": "client-credentials",
            "instance_url": ready.instance_url,
            "consumer_key": ready.consumer_key,
            "consumer_secret": ready.consumer_secret,
        }
    )


def test_a_sandbox_plays_what_it_can(served: Ready, tmp_path: Path) -> None:
    """No control plane is used: a rehearsal org that is treated like any other org."""
    scenes = [s for s in PATHS if s.cassettes != tuple(STORY)]
    reels: dict[str, Reel] = {}
    with sandbox(config(served)) as recorder:
        for scene in scenes:
            reels |= recorder.record(scene, tmp_path / "cassettes", tmp_path)
    assert set(reels) == {"describe", "login-client-credentials", "session-renewed", "bulk-upsert", "bulk-query"}
    assert reels["session-renewed"] == Reel("session-renewed", COSTS["session-renewed"].calls, 3, "1 org")
    for path in (tmp_path / "cassettes").glob("*.yaml"):
        text = path.read_text("utf-8")
        assert served.consumer_secret not in text
        assert served.instance_url.partition("://")[2] not in text


def test_an_org_with_records_is_refused(served: Ready) -> None:
    headers = {"Authorization": f"Bearer {served.access_token}"}
    url = f"{served.instance_url}/services/data/v62.0/sobjects/Account"
    assert requests.post(url, json={"Name": "Altrui"}, headers=headers, timeout=30).status_code == 201
    with pytest.raises(Exception, match="Account"), sandbox(config(served)):
        pass
