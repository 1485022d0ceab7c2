"""A job and its content in one request: the parts ``job`` (JSON) and ``content`` (CSV) of a form."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call

MEDIA = "multipart/form-data"
MOST_CHARACTERS = 100_000


def is_multipart(call: Call) -> bool:
    return call.header("Content-Type").lower().startswith(MEDIA)


def parts(call: Call) -> tuple[bytes, bytes]:
    """The JSON of the job and the CSV, byte for byte. OrgError API_ERROR when one is missing or there is too much."""
    head = f"Content-Type: {call.header('Content-Type')}\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=compat32).parsebytes(head + call.body.read())
    found = {_name(part): _bytes(part) for part in message.get_payload() if isinstance(part, Message)}
    if "job" not in found or "content" not in found:
        raise errors.bulk_api_error("A multipart request needs a part named job and a part named content")
    if len(found["content"].decode("utf-8", "replace")) > MOST_CHARACTERS:
        text = f"A multipart request may carry up to {MOST_CHARACTERS} characters of job data; upload more with PUT"
        raise errors.bulk_api_error(text)
    return found["job"], found["content"]


def _name(part: Message) -> str:
    return str(part.get_param("name", "", header="Content-Disposition"))


def _bytes(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""
