"""scripts/replay: pairs of a folder are played on an org of its own, and every difference is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.replay_pairs.__main__ import report
from scripts.replay_pairs.compare import bodies
from scripts.replay_pairs.pairs import read
from scripts.replay_pairs.play import play
from scripts.replay_pairs.stage import opened


def pair(name: str, method: str, path: str, status: int, body: Any, sent: Any = None) -> dict[str, Any]:
    request = {"method": method, "path": path} | ({"body": sent} if sent is not None else {})
    response = {"status": status, "body": body, "headers": {"Content-Type": "application/json;charset=UTF-8"}}
    return {"name": name, "evidence": "fixture", "request": request, "response": response}


ROW = {
    "attributes": {"type": "Account", "url": "/services/data/v60.0/sobjects/Account/0012300000bVTq1AAG"},
    "Id": "0012300000bVTq1AAG",
    "Name": "Shown",
}
PAIRS = [
    pair(
        "rows are there",
        "GET",
        "/services/data/vxx.0/query?q=SELECT+Id,Name+FROM+Account",
        200,
        {"totalSize": 1, "done": True, "records": [ROW]},
    ),
    pair(
        "another text", "POST", "/services/data/v60.0/sobjects/Account", 400, [{"message": "no", "errorCode": "X"}], {}
    ),
]


def test_a_folder_of_pairs(tmp_path: Path) -> None:
    (tmp_path / "01_area.json").write_text(json.dumps(PAIRS))
    with opened(tmp_path / "stage") as stage:
        outcomes = [play(stage, one) for one in read(tmp_path)]
    assert [bool(one.differences) for one in outcomes] == [False, True]
    text = report(outcomes)
    assert "recorded 'no', ours 'Required fields are missing: [Name]'" in text
    assert "2 pairs played: 1 agree, 0 differ for a reason, 1 differ without one" in text


@pytest.mark.parametrize(
    ("recorded", "ours", "where"),
    [
        ({"id": "0012300000bVTq1AAG"}, {"id": "001Rh0000000001IAA"}, []),
        ({"at": "2022-10-20T16:46:32.000+0000"}, {"at": "2026-01-01T00:00:00.000Z"}, [".at"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, ["{}"]),
        ({"a": 1}, {"a": 1.0}, [".a"]),
        ({"Max": 5}, {"Max": 7}, []),
        ([{"a": 1}], [], ["[]"]),
    ],
)
def test_what_counts_as_a_difference(recorded: Any, ours: Any, where: list[str]) -> None:
    assert [one.where for one in bodies(recorded, ours)] == where


def test_a_folder_without_pairs(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read(tmp_path))
