"""Cassettes: recorded whole, played strictly.

On replay every request must be on the cassette, in this order, each once; nothing else leaves. A cassette is YAML that
a person can read: queries and JSON bodies stand open, equal values of a describe's many fields are said once.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import vcr
import yaml
from vcr.cassette import Cassette
from vcr.request import Request

from tests.cassettes.scrub import KEPT_REQUEST, KEPT_RESPONSE, URL, Scrubber

FOLDER = Path(__file__).parents[2] / "cassettes"
HEAD = "# A recorded conversation; made by scripts/record_cassettes, which also scrubs it. Do not edit.\n"


class Tape(Cassette):
    """A cassette that remembers in which order it was played."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.order: list[int] = []

    def play_response(self, request: Request) -> Any:
        before = self.play_counts.copy()
        response = super().play_response(request)
        self.order += (self.play_counts - before).elements()
        return response

    @property
    def calls(self) -> list[str]:
        """What was asked, one line per request."""
        return [spoken(request, response) for request, response in self.data]

    def assert_played(self) -> None:
        """Every request was made, in the order of the recording."""
        assert self.order == list(range(len(self))), f"played {self.order} of {len(self)} in {self.path}"


@contextmanager
def tape(path: Path, scrubber: Scrubber, *, record: bool) -> Iterator[Tape]:
    """Records what is said inside, or plays it back and nothing else."""
    machine = vcr.VCR(record_mode=vcr.mode.NONE, match_on=("method", "path", "asked", "same_body"))
    machine.register_serializer("open", Open)
    machine.register_matcher("asked", lambda a, b: _query(a.uri) == _query(b.uri))
    machine.register_matcher("same_body", lambda a, b: _plain(a) == _plain(b))
    more = {"record_mode": vcr.mode.ALL} if record else {}
    settings = machine.get_merged_config(
        path=str(path),
        serializer="open",
        before_record_request=lambda r: _request(r, scrubber),
        before_record_response=lambda r: _response(r, scrubber),
        record_on_exception=False,
        **more,
    )
    settings.pop("func_path_generator"), settings.pop("path_transformer")
    with Tape.use(**settings) as made:
        yield made
    if not record:
        made.assert_played()


def _request(request: Request, scrubber: Scrubber) -> Request:
    body = scrubber.body(request.body_bytes, request.headers, ours=True)
    return Request(request.method, scrubber.uri(request.uri), body, scrubber.headers(request.headers, KEPT_REQUEST))


def _response(response: dict[str, Any], scrubber: Scrubber) -> dict[str, Any]:
    headers = response["headers"]
    body = scrubber.body(response["body"]["string"], headers, ours=False) or ""
    return {**response, "headers": scrubber.headers(headers, KEPT_RESPONSE), "body": {"string": body.encode()}}


def _query(uri: str) -> list[tuple[str, str]]:
    return sorted(parse_qsl(urlsplit(uri).query, keep_blank_values=True))


def _plain(request: Request) -> Any:
    text = (request.body_bytes or b"").decode()
    return json.loads(text) if text[:1] in "{[" and text else text


# -- one line per request -----------------------------------------------------------------------------------


def spoken(request: Request, response: dict[str, Any]) -> str:
    """``GET queryAll Account``, ``POST composite: 6 x GET describe 304``: what a table of calls shows."""
    path = urlsplit(request.uri).path
    line = f"{request.method} {_short(path)}{_from(dict(_query(request.uri)).get('q', ''))}"
    if path.endswith("/composite"):
        asked = _plain(request)["compositeRequest"]
        answered = json.loads(response["body"]["string"]).get("compositeResponse", []) if _ok(response) else []
        parts = [_part(a, b) for a, b in zip(asked, answered or [{"httpStatusCode": 200}] * len(asked), strict=True)]
        line += ": " + ", ".join(f"{len(list(g))} x {one}" for one, g in groupby(parts))
    if path.endswith("/token"):
        line += f" {dict(parse_qsl(_plain(request)))['grant_type'].rpartition(':')[2]}"
    body = _plain(request)
    if isinstance(body, dict) and "operation" in body:
        line += f" {body['operation']}{_from(body.get('query', '')) or ' ' + body.get('object', '')}"
    if isinstance(body, dict) and list(body) == ["state"]:
        line += f" {body['state']}"
    return line if _ok(response) else f"{line} -> {response['status']['code']}"


def _ok(response: dict[str, Any]) -> bool:
    return bool(response["status"]["code"] < 300)


def _short(path: str) -> str:
    path = re.sub(r"^/services/(data/v[\d.]+/)?", "", path)
    return "versions" if path == "data" else re.sub(r"/750\w{15}", "/JOB", path)


def _from(soql: str) -> str:
    found = re.search(r"\bFROM (\w+)", soql)
    return f" {found[1]}" if found else ""


def _part(asked: dict[str, Any], answer: dict[str, Any]) -> str:
    code = answer["httpStatusCode"]
    path = urlsplit(asked["url"]).path
    query = dict(_query(asked["url"]))
    what = _short(path).removeprefix("composite/sobjects").strip("/")
    what = "describe" if path.endswith("/describe") else what + _from(query.get("q", ""))
    rows = (asked.get("body") or {}).get("records") or query.get("ids", "").split(",")
    what = what or (rows[0]["attributes"]["type"] if isinstance(rows[0], dict) else "")
    sized = f"of {len(rows)}" if "composite/sobjects" in path else ""
    refused = sum(not row.get("success", True) for row in answer.get("body") or () if isinstance(row, dict))
    end = f"-> {code}" if code != 200 else f"-> {refused} refused" if refused else ""
    return " ".join(w for w in (asked["method"], what, sized, end) if w)


# -- the file -----------------------------------------------------------------------------------------------


class _Block(str):
    """Text over several lines, shown as it is."""

    __slots__ = ()


class _Dumper(yaml.CSafeDumper):
    pass


_Dumper.add_representer(_Block, lambda d, t: d.represent_scalar("tag:yaml.org,2002:str", str(t), style="|"))
_Dumper.ignore_aliases = lambda self, data: True  # type: ignore[method-assign]


class Open:
    """vcr's serializer: bodies opened up on the way out, closed on the way in."""

    @staticmethod
    def serialize(data: dict[str, Any]) -> str:
        """The text of a cassette file."""
        shown = [
            {"request": _open_request(i["request"]), "response": _open_response(i["response"])}
            for i in data["interactions"]
        ]
        return HEAD + yaml.dump(
            {"version": data["version"], "interactions": shown},
            Dumper=_Dumper,
            allow_unicode=True,
            default_flow_style=None,
            sort_keys=False,
            width=160,
        )

    @staticmethod
    def deserialize(text: str) -> dict[str, Any]:
        """What vcr wants of it."""
        data = yaml.load(text, Loader=yaml.CSafeLoader)
        for one in data["interactions"]:
            one["request"] = _close_request(one["request"])
            one["response"]["body"] = {"string": _close(one["response"]["body"]).encode()}
        return dict(data)


def _open_request(request: dict[str, Any]) -> dict[str, Any]:
    parts = urlsplit(request["uri"])
    headers = {k: v[0] if isinstance(v, list) else v for k, v in request["headers"].items()}
    shown = {"method": request["method"], "path": parts.path, "query": dict(_query(request["uri"])), "headers": headers}
    body = {"body": _open(request["body"])} if request["body"] else {}
    return {k: v for k, v in shown.items() if v} | body


def _close_request(shown: dict[str, Any]) -> dict[str, Any]:
    query = urlencode(shown.get("query", {}))
    uri = URL + shown["path"] + (f"?{query}" if query else "")
    headers = {k: [v] for k, v in shown.get("headers", {}).items()}
    return {"method": shown["method"], "uri": uri, "body": _close(shown.get("body")) or None, "headers": headers}


def _open_response(response: dict[str, Any]) -> dict[str, Any]:
    shown = {"status": response["status"], "headers": response["headers"]}
    return shown | {"body": _open(response["body"]["string"])}


def _open(body: str | bytes) -> Any:
    text = body.decode() if isinstance(body, bytes) else body
    if text[:1] in ("{", "["):
        return {"json": _packed(json.loads(text))}
    return {"text": _Block(text)} if text else {}


def _close(shown: dict[str, Any] | None) -> str:
    if not shown:
        return ""
    return json.dumps(_unpacked(shown["json"]), ensure_ascii=False) if "json" in shown else str(shown["text"])


def _packed(value: Any) -> Any:
    """Lists of at least three rows with the same keys: their most frequent values once, then what differs."""
    if isinstance(value, dict):
        return {k: _packed(v) for k, v in value.items()}
    if not isinstance(value, list):
        return value
    rows = [_packed(v) for v in value]
    if len(rows) < 3 or not all(isinstance(r, dict) and r and list(r) == list(rows[0]) for r in rows):
        return rows
    if "referenceId" in rows[0]:
        return rows  # each part of a composite call stands for itself
    usual = {k: _most_frequent([r[k] for r in rows]) for k in rows[0]}
    return {"usual": usual, "rows": [{k: v for k, v in r.items() if not _equal(v, usual[k])} for r in rows]}


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(v) for v in value]
    if not isinstance(value, dict):
        return value
    if list(value) == ["usual", "rows"]:
        return [_unpacked(value["usual"] | row) for row in value["rows"]]
    return {k: _unpacked(v) for k, v in value.items()}


def _most_frequent(values: list[Any]) -> Any:
    found = Counter(json.dumps(v, sort_keys=True) for v in values)
    first = found.most_common(1)[0][0]
    return next(v for v in values if json.dumps(v, sort_keys=True) == first)


def _equal(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
