"""Codes found in the sources: where an error is raised or a finding is made, the code and the sentence stand there."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sfsync
from sfsync import errors

ROOT = Path(sfsync.__file__).parent
CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
ERRORS = {n: c for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, errors.SfsyncError)} | {
    "ServeError": errors.ConfigError,
    "ReplyLost": errors.Unreachable,
}
Kinds = dict[str, type[errors.SfsyncError]]
FINDINGS = ("Finding", "Note", "Check")


@dataclass(frozen=True)
class Code:
    """A code with its sentence; ``exit`` is None for findings."""

    code: str
    kind: str
    message: str
    exit: int | None


@dataclass(frozen=True)
class _Maker:
    """Something that makes an error or a finding: where its code and its sentence stand among the arguments."""

    kind: str
    code: int | None
    message: int | None
    default: str = ""


def codes() -> list[Code]:
    """All codes of the package, sorted."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(ROOT.rglob("*.py"))}
    kinds = ERRORS | dict(s for tree in trees.values() for s in _special(tree))
    made = {c for path, tree in trees.items() for c in _of_module(path, tree, kinds)}
    return sorted(made, key=lambda c: (c.code, c.kind, c.message))


def _special(tree: ast.Module) -> Iterator[tuple[str, type[errors.SfsyncError]]]:
    """Error classes that modules derive for themselves, each with the class it derives from."""
    for node in tree.body:
        bases = [b.id for b in node.bases if isinstance(b, ast.Name)] if isinstance(node, ast.ClassDef) else []
        if isinstance(node, ast.ClassDef) and node.name not in ERRORS and bases and bases[0] in ERRORS:
            yield node.name, ERRORS[bases[0]]


def _of_module(path: Path, tree: ast.Module, kinds: Kinds) -> Iterator[Code]:
    constants = _assigned(tree.body)
    makers = {n: _Maker(n, 1, 0) for n in kinds} | {n: _Maker(n, 0, 1) for n in FINDINGS}
    if path.parent.name == "mapping":  # mistakes of a mapping file are collected before they are raised
        makers["Fault"] = _Maker("MappingError", 3, 1, "MAPPING_INVALID")
    if path.parent.name == "checks":  # the lines of doctor; the code has a name of its own there
        makers |= {n: _Maker("Check", None, 1) for n in ("red", "yellow")}
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    makers |= {f.name: m for f in functions if (m := _maker(f, kinds)) is not None}
    for function in functions:
        for call in (n for n in ast.walk(function) if isinstance(n, ast.Call) and _called(n) in makers):
            local = constants | _assigned(ast.walk(function), call.lineno)
            found = _of_call(call, makers, local, kinds)
            if found:
                yield found
    yield from _of_tables(tree)


def _assigned(nodes: Iterable[ast.AST], before: int = sys.maxsize) -> dict[str, str]:
    """Names given a text in these statements; of several the last before this line."""
    simple = [n for n in nodes if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)]
    ordered = sorted((n for n in simple if n.lineno < before), key=lambda n: n.lineno)
    found = {n.targets[0].id: _text(n.value, {}) for n in ordered if isinstance(n.targets[0], ast.Name)}
    return {name: text for name, text in found.items() if text}


def _maker(function: ast.FunctionDef, kinds: Kinds) -> _Maker | None:
    """A helper that is given a code and returns an error or a finding."""
    returned = ast.unparse(function.returns) if function.returns else ""
    kind = next((n for n in (*kinds, *FINDINGS) if n == returned), None)
    names = [a.arg for a in function.args.args if a.arg not in ("self", "cls")]
    if kind is None or "code" not in names:
        return None
    message = next((names.index(n) for n in ("message", "sentence", "text") if n in names), None)
    defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
    return _Maker(kind, names.index("code"), message, _text(defaults.get("code"), {}))


def _of_call(call: ast.Call, makers: dict[str, _Maker], local: dict[str, str], kinds: Kinds) -> Code | None:
    maker = makers[_called(call)]
    code = _argument(call, "code", maker.code, local) or maker.default
    message = next((t for n in ("message", "sentence", "text") if (t := _argument(call, n, maker.message, local))), "")
    if not CODE.fullmatch(code) or " " not in message:
        return None
    exit_status = None if maker.kind in FINDINGS else int(kinds[maker.kind].exit_status)
    return Code(code, maker.kind, message, exit_status)


def _called(call: ast.Call) -> str:
    """The last name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _argument(call: ast.Call, name: str, place: int | None, local: dict[str, str]) -> str:
    given = next((k.value for k in call.keywords if k.arg == name), None)
    if given is None and place is not None and place < len(call.args):
        given = call.args[place]
    return _text(given, local)


def _text(node: ast.AST | None, local: dict[str, str]) -> str:
    """A text as it stands in the source, ``…`` for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(v, local) if isinstance(v, ast.Constant) else "…" for v in node.values)
    if isinstance(node, ast.BinOp):
        return _text(node.left, local) + (_text(node.right, local) or "…")
    if isinstance(node, ast.Name):
        return local.get(node.id, "")
    return ""


def _of_tables(tree: ast.Module) -> Iterator[Code]:
    """Rules in tables of the ledger: (pattern, code, sentence, next step)."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_RULES":
            for row in (n for n in ast.walk(node.value) if isinstance(n, ast.Tuple)):
                cells = [_text(c, {}) for c in row.elts]
                if len(cells) == 4 and CODE.fullmatch(cells[1]) and " " in cells[2]:
                    yield Code(cells[1], "LedgerError", cells[2], int(errors.LedgerError.exit_status))
