"""Bulk API 1.0."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any

from scripts.replay_pairs.stage import Stage
from scripts.replay_pairs.states.base import Preparation, Sent, expired

_ASYNC = "/services/async/60.0/job"
_XML = {"Content-Type": "application/xml"}


def _element(text: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<]+)</{name}>", text)
    assert found is not None, text
    return found[1]


def _old_job(stage: Stage, operation: str, name: str, media: str = "CSV") -> str:
    key = "<externalIdFieldName>Id</externalIdFieldName>" if operation == "upsert" else ""
    text = (
        f'<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><operation>{operation}</operation>'
        f"<object>{name}</object>{key}<concurrencyMode>Parallel</concurrencyMode>"
        f"<contentType>{media}</contentType></jobInfo>"
    )
    return _element(stage.call("POST", _ASYNC, data=text, headers=_XML).text, "id")


def _old(
    operation: str, name: str, batch: str | None = None, media: str = "CSV", *, closed: bool = False
) -> Preparation:
    """A job of the old API with, maybe, a finished batch; their ids take the recorded ones' places."""

    def act(stage: Stage, sent: Sent) -> Sent:
        job = _old_job(stage, operation, name, media)
        path = re.sub(r"750[a-zA-Z0-9]+", job, sent.path)
        if batch is not None:
            kind = "application/json" if media == "JSON" else "text/csv"
            answer = stage.call("POST", f"{_ASYNC}/{job}/batch", data=batch.encode(), headers={"Content-Type": kind})
            made = answer.json()["id"] if media == "JSON" else _element(answer.text, "id")
            path = re.sub(r"751[a-zA-Z0-9]+", made, path)
            _await_batch(stage, f"{_ASYNC}/{job}/batch/{made}")
        if closed:
            text = '<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><state>Closed</state></jobInfo>'
            stage.call("POST", f"{_ASYNC}/{job}", data=text, headers=_XML).raise_for_status()
        return replace(sent, path=path.replace("/62.0/", "/60.0/"), body=_unchunked(sent.body))

    return act


def _await_batch(stage: Stage, path: str) -> None:
    for _ in range(500):
        if re.search(r"state\W+(Completed|Failed)", stage.call("GET", path).text):
            return
        time.sleep(0.02)
    raise TimeoutError(path)


def _unchunked(body: Any) -> Any:
    """Recorded uploads keep the lengths of chunked transfer between their lines."""
    if not isinstance(body, str) or not re.match(r"[0-9a-f]+\r?\n", body):
        return body
    return "\n".join(line for line in body.splitlines() if line.startswith('"')) + "\n"


_PEOPLE = '"FirstName","LastName","Email","Id"\n' + "".join(
    f'"A","Person {n}","p{n}@example.com",""\n' for n in range(16)
)
_DEALS = '"Name","CloseDate","StageName","Id"\n' + '"Deal","2021-10-03","In Progress",""\n' * 2
_TWO_KNOWN = (
    '"FirstName","LastName","Id"\n"A","B","003P000001avB5QIAU"\n"A","B","003P000001avB5SIAU"\n"A","B",""\n"A","C",""\n'
)


_FOUR_NEW = re.sub('003P[^"]+', "", _TWO_KNOWN)


def _two_known(stage: Stage, sent: Sent) -> Sent:
    stage.seed({"Contact": {one: {"LastName": "x"} for one in ("003P000001avB5QIAU", "003P000001avB5SIAU")}})
    return _old("upsert", "Contact", _TWO_KNOWN, closed=True)(stage, sent)


CLASSIC: dict[str, Preparation] = {
    r"strategy_bulk#3[89]": _old("query", "Event", "SELECT Id FROM Event", "JSON"),
    r"bulk1: test_upsert_complex_fields__bulk#7 ": _old("upsert", "Contact"),
    r"bulk1: test_upsert_complex_fields__bulk#(15|17) ": _old("upsert", "Opportunity"),
    r"bulk1: test_upsert_complex_fields__bulk#31 ": _old("upsert", "Contact", _FOUR_NEW),
    r"bulk1: test_upsert_complex_fields__bulk#39 ": _old("upsert", "Opportunity", _DEALS),
    r"bulk1: test_upsert_complex_fields__bulk#(9|10) ": _old("upsert", "Contact", _PEOPLE, closed=True),
    r"bulk1: test_upsert_complex_fields__bulk#32 ": _old("upsert", "Contact", _FOUR_NEW, closed=True),
    r"bulk1: test_upsert_complex_fields__bulk#40 ": _old("upsert", "Opportunity", _DEALS, closed=True),
    r"bulk1: test_upsert_complex_fields__bulk#34 ": _two_known,
    r"bulk1: test_upsert_complex_fields__bulk#42 ": _old("upsert", "Opportunity", _DEALS, closed=True),
    r"bulk1: test_upsert_external_id_field#7 ": _old("insert", "Account"),
    r"bulk1: result CSV with a failed row": _old(
        "insert", "Contact", '"FirstName","LastName"\n"A","B"\n"A","C"\n"A",""\n'
    ),
    r"bulk1: session fault": expired,
}
