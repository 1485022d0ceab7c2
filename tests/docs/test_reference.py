"""The documentation is tested: the reference is what the code says, every command and link in the pages exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from scripts.reference_pages import commands, found, pages, settings
from scripts.reference_pages.write import out_of_date, write
from sfsync.cli import COMMANDS, cli, main

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
NAMES = [p.relative_to(ROOT).as_posix() for p in PAGES]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What must stand in no page: places on one machine, hosts of package registries, words of advertisements.
FORBIDDEN = (
    r"/work\b",
    r"/tmp\b",
    r"/root\b",
    r"/home/",
    r"\bpy" + r"pi\b",
    r"python" + r"hosted",
    r"--index" + r"-url",
    r"\b(powerful|seamless|blazing|world-class|cutting-edge|effortless|robust|leverage)\b",
)


@pytest.fixture(params=PAGES, ids=NAMES)
def page(request: pytest.FixtureRequest) -> Path:
    """Every page of the documentation."""
    return Path(request.param)


# -- the reference is made from the code ---------------------------------------------------------------------------


def test_the_reference_is_what_the_code_says() -> None:
    assert not out_of_date(REFERENCE), "run scripts/reference"


def test_a_page_that_is_changed_missing_or_too_many_is_found(tmp_path: Path) -> None:
    assert write(tmp_path) == sorted(pages())
    (tmp_path / "settings.md").write_text("something else", "utf-8")
    (tmp_path / "guards.md").unlink()
    (tmp_path / "old.md").write_text("nobody made this", "utf-8")
    assert write(tmp_path) == ["guards.md", "old.md", "settings.md"]
    assert not out_of_date(tmp_path)


def test_every_command_and_option_is_documented() -> None:
    text = (REFERENCE / "commands.md").read_text("utf-8")
    named = {name for name, _ in commands.walk()}
    assert {f"sfsync {verb}" for verb in COMMANDS} <= named
    for name, context in commands.walk():
        assert f" {name}\n" in text, name
        assert (context.command.help or "").strip(), f"{name} says nothing about itself"
        for option in (p for p in context.command.params if isinstance(p, click.Option)):
            assert option.name == "version" or all(o in text for o in option.opts), (name, option.opts)


def test_every_option_has_help_and_a_twin_that_is_shown() -> None:
    for name, context in commands.walk():
        for option in (p for p in context.command.params if isinstance(p, click.Option)):
            if option.name in ("help", "version"):
                continue
            record = option.get_help_record(context)
            assert record is not None, (name, option.name)
            assert option.help, (name, option.name)
            assert commands.twin(option, context) in record[1], (name, option.name, record[1])


def test_the_twin_is_the_one_that_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    context = next(c for n, c in commands.walk() if n == "sfsync plan")
    limit = next(p for p in context.command.params if p.name == "limit")
    monkeypatch.setenv(commands.twin(limit, context), "many")
    assert main(["plan"]) == 2
    assert "--limit" in capsys.readouterr().err


def test_every_setting_is_documented() -> None:
    text = (REFERENCE / "settings.md").read_text("utf-8")
    for key, _ in settings.listed():
        assert f"`{key}`" in text
        assert settings.twin(key) in text


def test_codes_are_found_where_they_are_raised() -> None:
    """Known examples of each way to write an error in the sources."""
    made = {(c.code, c.exit) for c in found.codes()}
    expected = {
        ("PLAN_STALE", 5),  # a class, code by position
        ("MAPPING_YAML", 2),  # a class, code by name
        ("TLS_FAILED", 9),  # a helper with a parameter called code
        ("LOGIN_UNREACHABLE", 9),  # its default
        ("LEDGER_FULL", 2),  # a table of rules
        ("MAPPING_PARENT", 2),  # a mistake of a mapping file
        ("AUDIT_GAP", None),  # a finding made by a helper
        ("CLOCK_SKEW", None),  # a line of doctor
        ("STRANGER", None),  # a finding, sentence in a variable
    }
    assert expected <= made
    sentences = {c.message for c in found.codes() if c.code == "STRANGER"}
    assert len(sentences) == 1
    assert "does not know" in sentences.pop()


def test_no_raised_code_is_missing_from_the_page() -> None:
    """Independent of the finder: codes of `raise X("…", "CODE"` and `raise X(…, code="CODE"` in the text."""
    text = (REFERENCE / "error-codes.md").read_text("utf-8")
    pattern = re.compile(r'raise \w+\(\s*f?"[^"]*"(?:\s*f?"[^"]*")*,\s*(?:code=)?"([A-Z][A-Z0-9_]+)"')
    sources = [p for p in (ROOT / "sfsync").rglob("*.py") if "rehearsal" not in p.parts]
    raised = {c for p in sources for c in pattern.findall(p.read_text("utf-8"))}
    assert len(raised) > 20
    assert not [c for c in sorted(raised) if f"`{c}`" not in text]


# -- the pages -----------------------------------------------------------------------------------------------------


def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{target} leads nowhere"
        assert file.is_relative_to(ROOT), f"{target} leads out of the project"
        if anchor:
            assert anchor in _anchors(file), f"{target}: no such heading"


def _anchors(file: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", BLOCK.sub("", file.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


def test_every_page_is_linked_from_the_index() -> None:
    linked: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        file = todo.pop()
        if file in linked or file.suffix != ".md":
            continue
        linked.add(file)
        for target in re.findall(r"\]\(([^)#\s]+)", file.read_text("utf-8")):
            other = (file.parent / target).resolve()
            if not target.startswith("http") and other.suffix == ".md":
                todo.append(other)
    assert not sorted(p.relative_to(ROOT).as_posix() for p in set(PAGES) - linked)


def test_commands_in_the_pages_exist(page: Path) -> None:
    """Every `sfsync …` line in a block is a command that exists, with options that exist."""
    for language, block in BLOCK.findall(page.read_text("utf-8")):
        if language in ("console", "sh", "crontab"):
            for line in block.replace("\\\n", " ").splitlines():
                for words in _calls(line):
                    _assert_known(words)


def _calls(line: str) -> list[list[str]]:
    """The words after `sfsync` of each call in a line."""
    if line.startswith("#") or not re.search(r"(^|[\s/$(])sfsync ", line):
        return []
    parts = re.split(r"\s*(?:&&|\|\||[|;>]|,(?= sfsync ))\s*", line)
    calls = [re.search(r"(?:^|[\s/$(])sfsync (.*)", p) for p in parts]
    return [shlex.split(c[1].rstrip(")"), comments=True) for c in calls if c]


def _assert_known(words: list[str]) -> None:
    command: click.Command = cli
    context = click.Context(cli, info_name="sfsync")
    rest = iter(words)
    for word in rest:
        if word.startswith("-"):
            option = _option(command, word.partition("=")[0])
            if option is not None and not option.is_flag and "=" not in word:
                next(rest, None)
        elif isinstance(command, click.Group):
            child = command.get_command(context, word)
            assert child is not None, f"there is no command {word} in {command.name}"
            command = child


def _option(command: click.Command, name: str) -> click.Option | None:
    if name in ("--help", "-h", "--version"):
        return None
    found_one = next((p for p in command.params if name in p.opts), None)
    assert isinstance(found_one, click.Option), f"{command.name} has no option {name}"
    return found_one


def test_variables_in_the_pages_exist(page: Path) -> None:
    known = {settings.twin(k) for k, _ in settings.listed()} | {n for n, _ in settings.OTHERS}
    known |= {commands.twin(p, c) for _, c in commands.walk() for p in c.command.params}
    named = set(re.findall(r"\bSFSYNC_[A-Z0-9_]+\b", page.read_text("utf-8"))) - {"SFSYNC_A__B"}
    assert not sorted(n for n in named - known if not any(k.startswith(n) for k in known))


def test_no_page_says_what_it_must_not(page: Path) -> None:
    text = page.read_text("utf-8")
    for pattern in FORBIDDEN:
        assert not re.findall(pattern, text, re.IGNORECASE), pattern


def test_decisions_are_numbered_without_gaps_and_have_their_parts() -> None:
    files = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(f.name[:4]) for f in files] == list(range(1, len(files) + 1))
    for file in files:
        titles = re.findall(r"^## (.+)$", file.read_text("utf-8"), re.MULTILINE)
        assert titles == ["Options", "Choice", "Consequence"], file.name
