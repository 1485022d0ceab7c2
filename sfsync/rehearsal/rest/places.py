"""Where in a request body a value stands: parser errors name line and column, saves do not know them."""

from __future__ import annotations

import json
import re

from sfsync.rehearsal.call import Call
from sfsync.rehearsal.errors import OrgError

_VALUE = re.compile(r'(.*VALUE_STRING value "(.*)" at )\[line:1, column:1\]\Z', re.DOTALL)


def placed(call: Call, error: OrgError) -> OrgError:
    """A parser error with the place of the value in the body; any other error as it is.

    Parser errors of a single-record call have no ``fields`` (wire reference 6).
    """
    if error.code != "JSON_PARSER_ERROR":
        return error
    found = _VALUE.fullmatch(error.message)
    message = found.group(1) + _place(call, found.group(2)) if found else error.message
    return OrgError(error.code, message, status=error.status)


def _place(call: Call, value: str) -> str:
    text = call.body.read().decode("utf-8", "replace")
    starts = [text.find(json.dumps(value, ensure_ascii=ascii_only)) for ascii_only in (True, False)]
    before = text[: max(*starts, 0)]
    line = before.count("\n") + 1
    return f"[line:{line}, column:{len(before) - before.rfind(chr(10))}]"
