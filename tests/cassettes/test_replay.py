"""Every main path against its cassette: no network, no waiting, exactly these calls in exactly this order."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from vcr.errors import CannotOverwriteExistingCassetteException
from vcr.persisters.filesystem import FilesystemPersister

from tests.cassettes.calls import COSTS
from tests.cassettes.paths import PATHS
from tests.cassettes.play import playing
from tests.cassettes.scrub import Scrubber
from tests.cassettes.stage import Reel
from tests.cassettes.tape import FOLDER, Open, tape

pytestmark = pytest.mark.xdist_group("cassettes played")
MOST_BYTES = 200_000


@pytest.fixture(scope="module")
def alone() -> Iterator[None]:
    """No network and no waiting: both explode."""

    def explode(*args: object, **kwargs: object) -> None:
        raise AssertionError("a played cassette needs no network and no time")

    def sleep(seconds: float) -> None:
        assert seconds == 0, "a played cassette needs no time"

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, explode)
        patch.setattr(time, "sleep", sleep)
        yield


@pytest.fixture(scope="module")
def played(alone: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reel | Exception]:
    """Every path, played once; what stopped a path stands in the place of its cassettes."""
    found: dict[str, Reel | Exception] = {}
    for scene in PATHS:
        stage = playing(tmp_path_factory.mktemp("played"))
        try:
            scene.play(stage)
        except Exception as error:
            found |= dict.fromkeys(scene.cassettes, error)
        found |= stage.reels
    return found


@pytest.mark.parametrize("name", COSTS)
def test_a_path_makes_exactly_these_calls(played: dict[str, Reel | Exception], name: str) -> None:
    reel = played[name]
    if isinstance(reel, Exception):
        raise reel
    assert reel.calls == COSTS[name].calls
    assert (reel.api_calls, reel.outcome) == COSTS[name][:2]


def test_every_cassette_has_a_path_and_a_cost() -> None:
    files = {path.stem for path in FOLDER.glob("*.yaml")}
    assert files == set(COSTS) == {name for scene in PATHS for name in scene.cassettes}


@pytest.mark.parametrize("name", COSTS)
def test_a_cassette_stays_small_enough_to_read(name: str) -> None:
    assert (FOLDER / f"{name}.yaml").stat().st_size < MOST_BYTES


def test_flags_of_protection_travel_alone_and_first() -> None:
    requests, _ = FilesystemPersister.load_cassette(FOLDER / "self-exclusion.yaml", Open)
    bodies = [json.loads(r.body) for r in requests if r.method == "POST" and b'"PATCH"' in r.body]
    flags, rest = (set(b["compositeRequest"][0]["body"]["records"][0]) - {"attributes", "id"} for b in bodies)
    assert flags == {
        "SFS_Contact_Suppressed__c",
        "SFS_Bonus_Blocked__c",
        "PersonHasOptedOutOfEmail",
        "PersonDoNotCall",
    }
    assert rest == {"PersonEmail"}


# -- the player itself can fail -----------------------------------------------------------------------------


def test_a_request_that_is_not_on_the_cassette_is_an_error(alone: None, tmp_path: Path) -> None:
    stage = playing(tmp_path)
    with (
        pytest.raises(CannotOverwriteExistingCassetteException),
        tape(FOLDER / "login-jwt.yaml", Scrubber(), record=False),
    ):
        stage.side("jwt").query("SELECT Id FROM Account")


def test_a_request_is_answered_once(alone: None, tmp_path: Path) -> None:
    side = playing(tmp_path).side("jwt")
    with (
        pytest.raises(CannotOverwriteExistingCassetteException),
        tape(FOLDER / "login-jwt.yaml", Scrubber(), record=False),
    ):
        for _ in range(2):
            side.query("SELECT Id FROM Organization")


def test_a_request_that_was_not_made_is_noticed(alone: None, tmp_path: Path) -> None:
    side = playing(tmp_path).side("jwt")
    with pytest.raises(AssertionError, match="played"), tape(FOLDER / "login-jwt.yaml", Scrubber(), record=False):
        side.session.connect()


def test_another_value_in_a_body_is_another_request(alone: None, tmp_path: Path) -> None:
    stage = playing(tmp_path)
    scene = next(s for s in PATHS if s.cassettes == ("bulk-upsert",))
    stage.cassettes = with_other_text(tmp_path / "cassettes", "bulk-upsert", "Azienda 7 srl", "Azienda 8 srl")
    with pytest.raises(CannotOverwriteExistingCassetteException):
        scene.play(stage)


def with_other_text(folder: Path, name: str, old: str, new: str) -> Path:
    """The cassettes a path needs, one of them changed."""
    folder.mkdir()
    for path in (FOLDER / "describe.yaml", FOLDER / f"{name}.yaml"):
        text = path.read_text("utf-8")
        (folder / path.name).write_text(text.replace(old, new) if path.stem == name else text, "utf-8")
    return folder
