"""One call as the org sees it, and what it answers. Nothing here knows sockets.

The edge (``app``) makes a ``Call`` from a request, the route table finds its handler, the handler gives a
``Reply``. Composite makes Calls of its own and runs them through the same table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.options import Options
from sfsync.rehearsal.ids import is_valid

if TYPE_CHECKING:
    from sfsync.rehearsal.entry.sessions import Session

JSON_MEDIA = "application/json;charset=UTF-8"
CSV_MEDIA = "text/csv; charset=UTF-8"
CHUNK = 1 << 18


class Body:
    """A request body: bytes that lie in a file-like object, or a value already parsed (composite)."""

    def __init__(self, stream: IO[bytes] | None = None, value: Any = None) -> None:
        self._stream = stream
        self._value = value

    def read(self) -> bytes:
        if self._stream is None:
            return b"" if self._value is None else json.dumps(self._value).encode()
        self._stream.seek(0)
        return self._stream.read()

    def is_empty(self) -> bool:
        """Whether there is no body at all."""
        if self._stream is None:
            return self._value is None
        self._stream.seek(0)
        return not self._stream.read(1)

    def copy_to(self, path: Path) -> int:
        """Writes the body to a file, returns its size in bytes; memory stays flat."""
        size = 0
        with path.open("wb") as out:
            for chunk in self._chunks():
                size += out.write(chunk)
        return size

    def _chunks(self) -> Iterator[bytes]:
        if self._stream is None:
            yield self.read()
            return
        self._stream.seek(0)
        while chunk := self._stream.read(CHUNK):
            yield chunk

    def json(self) -> Any:
        """The parsed body. OrgError JSON_PARSER_ERROR if it is none."""
        if self._stream is None and self._value is not None:
            return self._value
        raw = self.read()
        if not raw.strip():
            raise errors.body_required()
        return parse_json(raw)

    def object(self) -> dict[str, Any]:
        """The parsed body, which must be a JSON object."""
        value = self.json()
        if not isinstance(value, dict):
            raise errors.json_parser("Unexpected token where a JSON object was expected at [line:1, column:1]")
        return value


def parse_json(raw: bytes) -> Any:
    """JSON text to values; errors read as the vendor's parser words them."""
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise errors.json_parser(f"Invalid UTF-8 start byte 0x{raw[error.start]:x}") from error
    except json.JSONDecodeError as error:
        raise errors.json_parser(_parser_text(error)) from error
    except RecursionError as error:
        raise errors.json_parser("Document nesting depth exceeds the maximum allowed") from error
    except ValueError as error:  # Python reads no integer of more than 4,300 digits
        raise errors.json_parser("Number length exceeds the maximum allowed") from error


@contextmanager
def understood() -> Iterator[None]:
    """Around what works on a body: what the parser took but nobody can walk or store is the caller's mistake.

    Raises OrgError JSON_PARSER_ERROR for values nested too deep and for half a surrogate pair.
    """
    try:
        yield
    except RecursionError as error:
        raise errors.json_parser("Document nesting depth exceeds the maximum allowed") from error
    except UnicodeEncodeError as error:
        raise errors.json_parser("Incomplete surrogate pair in a character escape") from error


def _refuse_constant(name: str) -> NoReturn:
    raise errors.json_parser(
        f"Non-standard token '{name}': enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow"
    )


def _parser_text(error: json.JSONDecodeError) -> str:
    where = f"at [line:{error.lineno}, column:{error.colno + 1}]"
    if error.pos >= len(error.doc.rstrip()):
        return f"Unexpected end-of-input: was expecting closing quote, bracket or brace {where}"
    char = error.doc[error.pos]
    wanted = error.msg[0].lower() + error.msg[1:]
    return f"Unexpected character ('{char}' (code {ord(char)})): was {wanted} {where}".replace("was extra", "extra")


@dataclass(frozen=True)
class Call:
    """A request: ``path`` still percent-encoded, header names in lower case, ``args`` the decoded path parts.

    ``secure``: it came over https. ``format``: how the answer is to be written, json or xml.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = field(default_factory=Body)
    args: Mapping[str, str] = field(default_factory=dict)
    session: Session | None = None
    secure: bool = False
    format: str = "json"

    @property
    def version(self) -> str:
        """API version of the path, such as ``60.0``."""
        return self.args.get("version", "60.0")

    @property
    def base(self) -> str:
        return f"/services/data/v{self.version}"

    def header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")

    @property
    def options(self) -> Options:
        """What the session and the headers say about a save (wire reference 5, headers on writes)."""
        assign = self.header("Sforce-Auto-Assign").strip()
        duplicates = _pairs(self.header("Sforce-Duplicate-Rule-Header"), ";")
        return Options(
            user_id=self.session.user_id if self.session else None,
            auto_assign=assign.upper() != "FALSE",
            assignment_rule=assign if is_valid(assign) else None,
            allow_duplicates=duplicates.get("allowsave", "").lower() == "true",
            duplicate_details=duplicates.get("includerecorddetails", "").lower() == "true",
            client=_pairs(self.header("Sforce-Call-Options"), ",").get("client", ""),
            version=self.version,
        )


def _pairs(header: str, separator: str) -> dict[str, str]:
    """``a=b; c=d`` as a dictionary, names in lower case."""
    parts = (one.partition("=") for one in header.split(separator))
    return {name.strip().lower(): value.strip() for name, _, value in parts}


@dataclass(frozen=True)
class Span:
    """A part of a file, ``length`` None to its end."""

    path: Path
    start: int = 0
    length: int | None = None

    def chunks(self) -> Iterator[bytes]:
        left = self.length
        with self.path.open("rb") as file:
            file.seek(self.start)
            while left is None or left > 0:
                data = file.read(CHUNK if left is None else min(CHUNK, left))
                if not data:
                    return
                left = None if left is None else left - len(data)
                yield data


@dataclass(frozen=True)
class Reply:
    """An answer. ``value`` is JSON unless ``text`` (ready bytes) or ``parts`` (streamed) is given.

    ``empty`` answers have neither body nor content type (204, 201 of an upload).
    """

    status: int = 200
    value: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: bytes | None = None
    parts: tuple[bytes | Span, ...] | Iterator[bytes] | None = None
    media: str = JSON_MEDIA
    empty: bool = False

    def json_value(self) -> Any:
        """The body as a value, for a composite answer."""
        if self.empty:
            return None
        return json.loads(self.text) if self.text is not None and self.media == JSON_MEDIA else self.value

    def chunks(self) -> Iterator[bytes]:
        """The streamed body."""
        for part in self.parts or ():
            if isinstance(part, Span):
                yield from part.chunks()
            else:
                yield part


def nothing(status: int = 204, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, headers=headers or {}, empty=True)


def refusal(error: errors.OrgError, base: str = "/services/data/v60.0") -> Reply:
    """The REST answer to an error: an array of one, or the record URLs of a 300."""
    if error.code == "MULTIPLE_CHOICES":
        return Reply(300, [f"{base}/{one}" for one in error.fields or []])
    return Reply(error.status, [error.body()])
