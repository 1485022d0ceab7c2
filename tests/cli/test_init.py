"""init: a folder that works at once, and nothing of anybody's is overwritten."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from sfsync import settings
from tests.cli.project import ROOT, Project, environment, run


def test_a_ready_folder(tmp_path: Path) -> None:
    done = run(tmp_path, "init", "made", "--instance-url", "https://acme.my.salesforce.com", "--auth", "password")
    folder = tmp_path / "made"
    assert done.exit == 0, done.err
    assert not done.out
    assert "sfsync doctor" in done.err
    for name in ("mappings/player.yaml", "force-app/main/default/objects/Account", "sfdx-project.json"):
        assert (folder / name).exists(), name
    assert {p.name for p in (folder / "mappings").iterdir()} == {p.name for p in (ROOT / "mappings").glob("*.yaml")}
    assert (folder / ".gitignore").read_text() == ".sfsync/\n"
    for name in ("ledger.key", "hash.key"):
        key = folder / ".sfsync" / name
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert len(key.read_bytes()) == 64
    assert stat.S_IMODE((folder / ".sfsync").stat().st_mode) == 0o700


def test_the_configuration_has_every_section_and_every_key_is_known(tmp_path: Path) -> None:
    run(tmp_path, "init", ".", "--platform-url", "postgresql://bob@db.example/base", "--auth", "sf-cli")
    text = (tmp_path / "sfsync.toml").read_text("utf-8")
    data = tomllib.loads(text)
    assert set(data) == {*settings.Settings.model_fields}
    with environment({}):
        loaded = settings.load(tmp_path / "sfsync.toml")
    assert loaded.platform.url.get_secret_value() == "postgresql://bob@db.example/base"
    assert loaded.salesforce.auth == "sf-cli"
    for line in text.splitlines():  # what is written as a hint must be right too
        if line.startswith("# ") and " = " in line:
            assert line.removeprefix("# ").split(" = ")[0] in settings.Salesforce.model_fields
    assert all("#" in line for line in text.splitlines() if line.startswith("["))


def test_a_password_is_not_written_down(tmp_path: Path) -> None:
    url = "postgresql://bob:s3cr3tword@db.example:5433/base?password=s3cr3tword&sslmode=require"
    done = run(tmp_path, "init", "made", "--platform-url", url)
    text = (tmp_path / "made/sfsync.toml").read_text("utf-8")
    assert 'url = "postgresql://bob@db.example:5433/base?sslmode=require"' in text
    assert "SFSYNC_PLATFORM__URL" in done.err
    assert "s3cr3tword" not in text + done.said


def test_a_project_is_refused_and_force_keeps_what_was_there(tmp_path: Path) -> None:
    run(tmp_path, "init", "made")
    config, mapping, key = (tmp_path / "made" / n for n in ("sfsync.toml", "mappings/shop.yaml", ".sfsync/ledger.key"))
    mine = config.read_text("utf-8") + "# mine\n"
    config.write_text(mine, "utf-8")
    mapping.write_text("mapping: mine", "utf-8")
    secret = key.read_bytes()
    (tmp_path / "made/mappings/case.yaml").unlink()

    refused = run(tmp_path, "init", "made", "--json")
    assert (refused.exit, refused.json["error"]["code"]) == (2, "PROJECT_EXISTS")
    assert config.read_text("utf-8") == mine

    forced = run(tmp_path, "init", "made", "--force", "--json")
    assert forced.exit == 0
    assert forced.json["kept"] == ["mappings/shop.yaml", "sfsync.toml.old"]
    assert forced.json["written"] == ["mappings/case.yaml", "sfsync.toml"]
    assert mapping.read_text("utf-8") == "mapping: mine"
    assert (tmp_path / "made/sfsync.toml.old").read_text("utf-8") == mine
    assert key.read_bytes() == secret

    run(tmp_path, "init", "made", "--force")
    assert (tmp_path / "made/sfsync.toml.old").read_text("utf-8") == mine


def test_a_gitignore_is_continued(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("build/")
    for _ in range(2):
        run(tmp_path, "init", ".", "--force")
    assert (tmp_path / ".gitignore").read_text() == "build/\n.sfsync/\n"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--instance-url", "http://acme.example"], "https"),
        (["--platform-url", "mysql://h/d"], "not supported"),
        (["--platform-url", "nonsense"], "cannot be understood"),
        (["--auth", "magic"], "magic"),
    ],
)
def test_wrong_wishes_leave_no_folder(tmp_path: Path, options: list[str], word: str) -> None:
    done = run(tmp_path, "init", "made", *options)
    assert done.exit == 2
    assert word in done.said
    assert not (tmp_path / "made").exists()


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("mine")
    assert run(tmp_path, "init", "made").exit == 2
    assert run(tmp_path, "init", "made/deeper").exit == 2
    assert (tmp_path / "made").read_text() == "mine"


def test_what_init_makes_works(project: Project) -> None:
    """The fixture's project is what init made: it syncs without another line."""
    done = project.run("sync", "company", "shop", "--json")
    assert done.exit == 0, done
    assert done.json["mappings"]["shop"]["salesforce"]["created"] == 3
