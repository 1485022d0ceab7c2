"""What every command promises: documented options with their twins, one JSON document, quick help."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sfsync.cli import COMMANDS, cli
from sfsync.cli.logs import lines
from tests.cli.project import ROOT, Project, run

HEAVY = ("pandas", "pyarrow", "sqlalchemy", "simple_salesforce", "requests", "pydantic", "rich", "numpy")


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and sub-command with its path."""
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)  # type: ignore[attr-defined]
        yield (name,), command
        if isinstance(command, click.Group):
            yield from (((name, sub), found) for sub, found in command.commands.items())


ALL = dict(commands())


def test_every_verb_is_there() -> None:
    verbs = {
        "init",
        "doctor",
        "plan",
        "apply",
        "sync",
        "status",
        "failures",
        "conflicts",
        "holds",
        "undo",
        "explain",
        "org",
    }
    assert verbs <= set(COMMANDS)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_says_what_it_is_for_and_names_every_twin(path: tuple[str, ...], tmp_path: Path) -> None:
    done = run(tmp_path, *path, "--help")
    assert done.exit == 0
    assert not done.err
    command = ALL[path]
    assert command.help
    assert command.help.strip().endswith(".")
    for option in (p for p in command.params if isinstance(p, click.Option) and p.name != "help"):
        assert option.help, option.name
        assert option.help.strip()[-1] in ".)?", f"{option.name}: {option.help}"
        assert option.opts[-1] in done.out
        twin = option.envvar or f"SFSYNC_{'_'.join(path)}_{option.name}".upper().replace("-", "_")
        assert f"env var: {twin}" in " ".join(done.out.split()), option.name


def test_a_twin_works(project: Project) -> None:
    assert project.run("status", SFSYNC_STATUS_AS_OF="yesterday").exit == 2
    assert (
        json.loads(project.run("status", SFSYNC_STATUS_AS_OF="2026-01-01T00:00:00Z", SFSYNC_STATUS_AS_JSON="1").out)[
            "as_of"
        ]
        == "2026-01-01T00:00:00Z"
    )


def test_the_twin_of_json_counts_for_errors_too(project: Project) -> None:
    done = project.run("sync", "nothing", SFSYNC_SYNC_AS_JSON="1")
    assert done.json["error"]["code"] == "MAPPING_UNKNOWN"
    assert not project.run("sync", "nothing", SFSYNC_SYNC_AS_JSON="0", SFSYNC_PLAN_AS_JSON="1").out


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["sync", "--help"], ["doctor", "--help"], ["org", "serve", "--help"]]
)
def test_help_is_instant(arguments: list[str]) -> None:
    """Nothing heavy is loaded for help; a name that stands in for a module has no file."""
    shown = f"print([m for m in {HEAVY!r} if getattr(sys.modules.get(m), '__file__', None)])"
    code = f"import sys\nfrom sfsync.cli import main\nmain({arguments!r})\n{shown}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_one_document_on_stdout_and_the_rest_on_stderr(project: Project) -> None:
    """In a process of its own, so that prints of libraries count too."""
    done = project.process("--log-format", "json", "sync", "company", "--json")
    assert done.exit == 0, done.err
    assert done.json["exit"] == 0
    parts = {"run", "as_of", "exit", "api_forecast", "api_planning", "api_calls", "api_remaining", "duration_s"}
    assert parts | {"mappings", "findings"} == set(done.json)
    said = [json.loads(line)["action"] for line in done.err.splitlines()]
    assert {"salesforce.login", "step"} <= set(said)


JSON = [
    ["doctor"],
    ["plan"],
    ["plan", "company", "--out", "saved"],
    ["apply", "saved", "--dry-run"],
    ["apply", "saved"],
    ["sync"],
    ["sync", "--dry-run"],
    ["status"],
    ["failures"],
    ["conflicts"],
    ["holds"],
    ["explain", "shop", "001000"],
    ["audit"],
    ["audit", "--verify"],
    ["undo", "last", "--dry-run"],
    ["undo", "last", "--yes"],
    ["init", "another"],
    ["sync", "nothing"],
    ["undo", "nothing"],
]


def test_every_command_gives_one_document(project: Project) -> None:
    for arguments in JSON:
        done = project.run(*arguments, "--json")
        assert done.json is not None, arguments
        if isinstance(done.json, dict) and "exit" in done.json:
            assert done.json["exit"] == done.exit, arguments
        assert done.exit == (2 if "nothing" in arguments else 0), (arguments, done)


def test_a_terminal_of_another_encoding_ends_nothing(project: Project) -> None:
    project.sql("UPDATE companies SET legal_name = 'Čevapčići àè S.r.l.'")
    for arguments in (["plan", "company"], ["plan", "company", "--json"]):
        done = project.process(*arguments, PYTHONIOENCODING="ascii")
        assert done.exit == 0, done
        assert "\\u010c" in done.out
    assert any(c["after"] == "Čevapčići àè S.r.l." for c in done.json["changes"])


def test_what_libraries_say_is_told_without_its_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their words may quote values; ours may be said as they are."""
    with lines(as_json=True, quiet=False):
        logging.getLogger("urllib3.pool").warning("GET /secret-value")
        logging.getLogger("sfsync.salesforce").warning("salesforce.gave_up", extra={"path": "composite"})
        warnings.warn("about secret-value", RuntimeWarning, stacklevel=1)
        thread = threading.Thread(target=lambda: int("secret-value"))
        thread.start()
        thread.join()
    err = capsys.readouterr().err
    assert "secret-value" not in err
    said = [json.loads(line) for line in err.splitlines()]
    assert [line["action"] for line in said] == ["library", "salesforce.gave_up", "warning", "thread.died"]
    assert (said[1]["path"], said[3]["error"]) == ("composite", "ValueError")


def test_quiet_says_nothing_but_the_answer(project: Project) -> None:
    done = project.run("--quiet", "sync", "company", "--json")
    assert done.exit == 0
    assert not done.err


def test_the_same_as_of_gives_the_same_plan(project: Project) -> None:
    now = ["--as-of", "2026-11-22T15:00:00Z", "--json", "--full"]
    first, second = (project.run("plan", "company", "shop", *now) for _ in range(2))
    assert first.exit == 0
    assert first.out == second.out


def test_a_question_answered_with_no_changes_nothing(project: Project) -> None:
    assert project.run("sync", "company").exit == 0
    done = project.process("undo", "last")  # no terminal: nobody can say yes
    assert done.exit == 2
    assert "Stopped." in done.err
    assert project.run("sync", "company", "--json").json["mappings"]["company"]["salesforce"]["created"] == 0
