"""YAML with the line of every key, and no key twice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

Path = tuple[str | int, ...]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # LibYAML where PyYAML was built with it: ten times as fast


@dataclass(frozen=True)
class Document:
    """Plain data and the line (from 1) of each path into it; ``faults`` are (line, sentence, what to write)."""

    data: Any
    lines: dict[Path, int]
    faults: tuple[tuple[int, str, str], ...]

    def line(self, path: Path) -> int:
        """The line of the path or of its nearest known parent."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


@dataclass(frozen=True)
class Fault:
    """One mistake: where in the document, a sentence, and what to write instead."""

    place: Path
    sentence: str
    next_step: str
    code: str = "MAPPING_INVALID"


@lru_cache(maxsize=64)
def parse(text: str) -> Document:
    """Reads one YAML document safely; raises ``yaml.YAMLError`` where it is no YAML.

    The same text is read once in a process (a run asks for its mappings and its catalogue more than once), so nobody
    may change the ``data``: models are made from copies.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Document(None, {}, ())
        lines: dict[Path, int] = {}
        faults: list[tuple[int, str, str]] = []
        _walk(node, (), lines, faults)
        return Document(loader.construct_document(node) if not faults else None, lines, tuple(faults))
    finally:
        loader.dispose()


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int], faults: list[tuple[int, str, str]]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            _walk(item, (*path, place), lines, faults)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _walk_key(key, value, path, lines, faults)


def _walk_key(
    key: yaml.Node, value: yaml.Node, path: Path, lines: dict[Path, int], faults: list[tuple[int, str, str]]
) -> None:
    line = key.start_mark.line + 1
    name = key.value if isinstance(key, yaml.ScalarNode) else "?"
    if key.tag != "tag:yaml.org,2002:str" or name == "?":
        faults.append((line, f"the key {name} is not a word", f'write it in quotes: "{name}"'))
        return
    if (*path, name) in lines:
        first = lines[(*path, name)]
        faults.append((line, f"the key {name} is written twice (first in line {first})", "remove one of the two"))
        return
    lines[(*path, name)] = line
    _walk(value, (*path, name), lines, faults)
