"""Imports go one way: cli, worker -> runs -> planners, plan -> merge, mapping, ledger, sides -> settings, errors.

The rehearsal org shares no code with its client, so that it cannot agree with its client's bugs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sfsync"
# A part imports only what stands lower. Beside each other stand mapping, ledger and sides: see TOGETHER.
LEVELS = {
    **dict.fromkeys(("errors", "__init__"), 0),
    **dict.fromkeys(("settings", "faultpoints", "frugal"), 1),
    **dict.fromkeys(("mapping", "ledger", "sides"), 2),
    "merge": 3,
    "plan": 4,
    "planners": 5,
    "runs": 6,
    **dict.fromkeys(("cli", "worker", "report"), 7),
    "__main__": 8,
}
APART = {"rehearsal", "demo"}  # the org and the made-up operator: parts of the demo and of tests
TOGETHER = {("sides", "mapping"), ("mapping", "sides"), ("ledger", "mapping"), ("ledger", "sides")}
# The vocabulary of frames, outcomes and findings, and whole columns: all that mapping, ledger, merge see of sides
WORDS = {"sfsync.sides.side", "sfsync.sides.columns"}
REHEARSAL_MAY = {"rehearsal", "errors", "settings", "faultpoints"}
# Inside the rehearsal org, from the HTTP edge down to the words that everybody uses. A part imports what stands lower;
# types may point upwards. Beside each other stand the steps of a save and the rules an administrator configured.
FLOORS: dict[str, int] = {
    one: floor
    for floor, parts in enumerate(
        (
            "errors ids clock digits xml",
            "schema.model metadata.component metadata.kinds",
            "formula store",
            "schema",
            "security soql",
            "dml automation",
            "metadata",
            "setup",
            "org",
            "call context routes formats headers seeds faults limits locators",
            "entry",
            "rest bulk",
            "soap",
            "control coverage gate answers tls",
            "table",
            "app opening",
            "server",
            "serve",
        )
    )
    for one in parts.split()
}
BESIDE = {("dml", "automation"), ("automation", "dml"), ("routes", "call")}
ASSEMBLES = {"schema/build.py": {"automation"}}  # formulas are bound, and rules, when the schema is whole
PURE = ("merge",)
IMPURE_MODULES = {"sqlalchemy", "requests", "simple_salesforce", "time", "os", "random", "socket", "pathlib"}


def modules() -> list[Path]:
    """All modules of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Every module a file imports, anywhere in it (commands import inside functions), in absolute form."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it leads"
            yield from _from(node)


def _from(node: ast.ImportFrom) -> Iterator[str]:
    """``from sfsync import settings`` names a module, ``from sfsync.x.y import name`` names ``sfsync.x.y``."""
    assert node.module
    if node.module in ("sfsync", "sfsync.sides"):  # folders: what is named are modules
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    else:
        yield node.module


def part(path: Path) -> str:
    """The part of the house a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def parts_used(path: Path) -> set[str]:
    """The parts a file imports."""
    found = {name.split(".")[1] for name in imported(path) if name.startswith("sfsync.")}
    return {n for n in found if (PACKAGE / n).is_dir() or (PACKAGE / f"{n}.py").exists()}


def broken(path: Path) -> set[str]:
    """Parts this file must not import."""
    here = part(path)
    if here == "rehearsal":
        return parts_used(path) - REHEARSAL_MAY
    if here == "demo":  # its tour is a front end like a command; it runs the product as a person would
        return parts_used(path) & {"runs", "plan", "planners", "merge", "ledger", "rehearsal"}
    return {there for there in parts_used(path) - {here} if not _allowed(here, there)}


def _allowed(here: str, there: str) -> bool:
    if there in APART:  # commands may start the rehearsal org; nothing deeper may know of it
        return LEVELS[here] == LEVELS["cli"]
    return LEVELS[there] < LEVELS[here] or (here, there) in TOGETHER


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    assert part(path) in LEVELS.keys() | APART, "a new part of the house needs its place in LEVELS"
    assert not broken(path)


@pytest.mark.parametrize("name", ["mapping", "ledger", "merge"])
def test_only_the_words_of_the_sides_are_shared(name: str) -> None:
    """No engine, no session, no SQL of a side below the runs."""
    used = {n for p in (PACKAGE / name).rglob("*.py") for n in imported(p) if n.startswith("sfsync.sides")}
    assert used <= WORDS


def test_sides_and_rehearsal_do_not_know_each_other() -> None:
    uses = {p: parts_used(p) for p in modules()}
    assert not [p for p, used in uses.items() if part(p) == "sides" and "rehearsal" in used]
    strangers = {"sides", "merge", "plan", "planners", "runs", "ledger", "cli"}
    assert not [p for p, used in uses.items() if part(p) == "rehearsal" and used & strangers]


def floor_of(name: str) -> str | None:
    """``dml.save`` stands on the floor of ``dml``, ``schema.model`` on one of its own."""
    parts = name.split(".")
    return next((one for one in (".".join(parts[:2]), parts[0]) if one in FLOORS), None)


def needed(path: Path) -> Iterator[str]:
    """Modules of the rehearsal org that a file imports to run; what stands under TYPE_CHECKING is for reading."""
    tree = ast.parse(path.read_text("utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in skipped and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if name.startswith("sfsync.rehearsal."):
                    yield name.removeprefix("sfsync.rehearsal.")


def climbs(path: Path) -> set[str]:
    """What a file of the rehearsal org imports from its own height or above."""
    inside = path.relative_to(PACKAGE / "rehearsal")
    here = floor_of(".".join(inside.with_suffix("").parts))
    assert here is not None, "a new part of the rehearsal org needs its floor in FLOORS"
    found = {there for name in needed(path) if (there := floor_of(name)) is not None}
    allowed = ASSEMBLES.get(inside.as_posix(), set())
    return {
        there
        for there in found - {here} - allowed
        if FLOORS[there] >= FLOORS[here] and (here, there) not in BESIDE and there.split(".")[0] != here.split(".")[0]
    }


@pytest.mark.parametrize(
    "path",
    [p for p in sorted((PACKAGE / "rehearsal").rglob("*.py")) if p.parent.name != "rehearsal" or p.stem != "__init__"],
    ids=lambda p: str(p.relative_to(PACKAGE)),
)
def test_the_rehearsal_org_is_built_in_floors(path: Path) -> None:
    assert not climbs(path)


@pytest.mark.parametrize("path", [p for n in PURE for p in (PACKAGE / n).rglob("*.py")], ids=lambda p: p.name)
def test_the_middle_is_pure(path: Path) -> None:
    """Frames in, values out: no clock, no files, no network, no SQL."""
    assert not {name.split(".")[0] for name in imported(path)} & IMPURE_MODULES


def test_only_settings_reads_the_configuration() -> None:
    """SFSYNC_ variables are read by settings; faultpoints and the edge have one switch of their own each.

    The login and the demo hand their environment on to a program they start; the screen asks for NO_COLOR.
    """
    readers = {p.relative_to(PACKAGE).as_posix() for p in modules() if _reads_environment(p)}
    known = {
        "settings.py",
        "faultpoints.py",
        "frugal.py",
        "cli/edge.py",
        "cli/screen.py",
        "sides/salesforce/login.py",
        "demo/tour.py",
    }
    assert readers <= known


def _reads_environment(path: Path) -> bool:
    tree = ast.walk(ast.parse(path.read_text("utf-8")))
    return any(isinstance(n, ast.Attribute) and n.attr in ("environ", "getenv") for n in tree)


def test_no_module_keeps_state() -> None:
    """A ``global`` statement is state that tests must reset."""
    assert not [
        p for p in modules() if any(isinstance(n, ast.Global) for n in ast.walk(ast.parse(p.read_text("utf-8"))))
    ]


def test_a_wrong_arrow_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    for name, text in {
        "merge/a.py": "from sfsync.runs import sync",
        "sides/b.py": "def f():\n    from sfsync import rehearsal",
        "rehearsal/c.py": "import sfsync.sides.side",
        "runs/d.py": "from sfsync.cli.screen import say",
        "cli/e.py": "from sfsync.runs import sync",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    wrong = [p.name for p in sorted(tmp_path.rglob("*.py")) if broken(p)]
    assert wrong == ["a.py", "c.py", "d.py", "b.py"]


def test_a_step_up_in_the_rehearsal_org_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    for name, text in {
        "store/a.py": "from sfsync.rehearsal.schema.build import build",
        "soql/b.py": "def f():\n    from sfsync.rehearsal import org",
        "rest/c.py": "if TYPE_CHECKING:\n    from sfsync.rehearsal.gate import answer",
        "org/d.py": "from sfsync.rehearsal.schema.model import Schema\nfrom sfsync.rehearsal import errors, rest",
    }.items():
        (tmp_path / "rehearsal" / name).parent.mkdir(parents=True)
        (tmp_path / "rehearsal" / name).write_text(text)
    found = {p.name: climbs(p) for p in tmp_path.rglob("*.py")}
    assert found == {"a.py": {"schema"}, "b.py": {"org"}, "c.py": set(), "d.py": {"rest"}}
