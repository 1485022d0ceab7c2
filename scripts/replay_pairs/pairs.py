"""The pairs of a folder: request and recorded answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = "60.0"  # what the recorders' placeholder vxx.0 stands for


@dataclass(frozen=True)
class Pair:
    """One exchange. ``evidence``: cassette, captured-body, quoted, documented or fixture."""

    name: str
    evidence: str
    method: str
    path: str
    headers: dict[str, str]
    sent: Any
    status: int
    answer_headers: dict[str, str]
    answer: Any

    @property
    def recorded(self) -> bool:
        return self.evidence in ("cassette", "captured-body", "quoted")


def read(folder: Path) -> Iterator[Pair]:
    """All pairs, file by file. Raises FileNotFoundError."""
    files = sorted(folder.glob("[0-9][0-9]_*.json"))
    if not files:
        raise FileNotFoundError(f"no NN_area.json files in {folder}")
    for file in files:
        for one in json.loads(file.read_text("utf-8")):
            yield _pair(one, folder)


def _pair(one: dict[str, Any], folder: Path) -> Pair:
    request, response = one["request"], one["response"]
    body = response.get("body")
    if body is None and "body_file" in response:
        body = json.loads((folder / response["body_file"]).read_text("utf-8"))
    return Pair(
        name=one["name"],
        evidence=one.get("evidence", ""),
        method=request["method"],
        path=_versioned(request["path"]),
        headers=dict(request.get("headers") or {}),
        sent=_versioned(request.get("body")),
        status=response.get("status", 0),
        answer_headers={k.lower(): v for k, v in (response.get("headers") or {}).items()},
        answer=_versioned(body),
    )


_STANDS_FOR = {"async/vxx.0": f"async/{VERSION}", ">vxx.0<": f">{VERSION}<", "vxx.0": f"v{VERSION}"}


def _versioned(value: Any) -> Any:
    text = json.dumps(value)
    for placeholder, version in _STANDS_FOR.items():
        text = text.replace(placeholder, version)
    return json.loads(text)
