"""Bulk API 2.0."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from scripts.replay_pairs.stage import DATA, Stage
from scripts.replay_pairs.states.base import Preparation, Sent

_LOAD = f"{DATA}/jobs/ingest"
_HEAD = "Name,StageName,external_id__c,CloseDate\n"
_GOOD = "".join(f"Noemi Miller,GENERATED,external-id-{n},2024-09-30\n" for n in range(10, 17))


def _job(stage: Stage, **order: Any) -> dict[str, Any]:
    key = {"object": "Opportunity", "operation": "upsert", "externalIdFieldName": "external_id__c"}
    given = key | {"contentType": "CSV", "lineEnding": "LF"} | order
    return dict(stage.call("POST", _LOAD, json={k: v for k, v in given.items() if v}).json())


def _filled(stage: Stage, text: str, **order: Any) -> str:
    job = _job(stage, **order)
    headers = {"Content-Type": "text/csv"}
    stage.call("PUT", f"{_LOAD}/{job['id']}/batches", data=text.encode(), headers=headers).raise_for_status()
    return str(job["id"])


def _closed(stage: Stage, text: str, **order: Any) -> str:
    job = _filled(stage, text, **order)
    stage.call("PATCH", f"{_LOAD}/{job}", json={"state": "UploadComplete"}).raise_for_status()
    return job


def _load(text: str, state: str, **order: Any) -> Preparation:
    """A job brought to ``open``, ``filled``, ``closed`` or ``ended``; its id takes the recorded one's place."""

    def act(stage: Stage, sent: Sent) -> Sent:
        if state == "open":
            job = str(_job(stage, **order)["id"])
        else:
            job = _filled(stage, text, **order) if state == "filled" else _closed(stage, text, **order)
        if state == "ended":
            stage.wait(f"{_LOAD}/{job}")
        return replace(sent, path=re.sub(r"750\w+", job, sent.path))

    return act


def _running_load(stage: Stage, sent: Sent) -> Sent:
    stage.order("jobs", {"finish": "looks", "n": 3})
    return _load(_HEAD + _GOOD, "closed")(stage, sent)


def _gone_job(stage: Stage, sent: Sent) -> Sent:
    sent = _load(_HEAD + _GOOD, "ended")(stage, sent)
    stage.call("DELETE", sent.path).raise_for_status()
    return sent


def _ask(state: str, soql: str = "SELECT Id, Name FROM Account", rows: int = 3, **policy: Any) -> Preparation:
    def act(stage: Stage, sent: Sent) -> Sent:
        stage.fill_up("Account", rows, {})
        if policy:
            stage.order("jobs", policy)
        version = sent.path.split("/")[3]
        base = f"/services/data/{version}/jobs/query"
        job = stage.call("POST", base, json={"operation": "query", "query": soql}).json()["id"]
        if state == "ended":
            stage.wait(f"{base}/{job}")
        return replace(sent, path=re.sub(r"750\w+", job, sent.path))

    return act


def _bulk_query(soql: str, **limits: Any) -> Preparation:
    def act(stage: Stage, sent: Sent) -> Sent:
        if limits:
            stage.order("limits", limits)
        return replace(sent, body={"operation": "query", "query": soql})

    return act


BULK: dict[str, Preparation] = {
    r"bulk2_query: compound": _bulk_query("SELECT BillingAddress FROM Account"),
    r"bulk2_query: daily bulk": _bulk_query("SELECT Id FROM Account", DailyBulkV2QueryFileStorageMB={"Remaining": 0}),
    r"bulk2_ingest: upload CSV": _load("", "open"),
    r"bulk2_ingest: set UploadComplete": _load(_HEAD + _GOOD, "filled"),
    r"bulk2_ingest: poll InProgress": _running_load,
    r"bulk2_ingest: (poll JobComplete|failedResults)": _load(
        _HEAD + _GOOD + "Noemi Miller,GENERATED,external-id-3,2003-04-987654321987654321\n", "ended"
    ),
    r"bulk2_ingest: poll Failed": _load(
        _HEAD.replace("StageName", "StageName_invalid_field_on_purpose") + _GOOD, "ended"
    ),
    r"bulk2_ingest: GET of a deleted": _gone_job,
    r"bulk2_ingest: delete a job": _load(_HEAD + _GOOD, "ended"),
    r"bulk2_ingest: successfulResults": _load(
        "FirstName,LastName,My_External_Id__c\nTest,Contact-Create-1,Bulk-60076-k\nTest,Contact-Create-2,Bulk-60076-l\n",
        "ended",
        object="Contact",
        operation="insert",
        externalIdFieldName=None,
    ),
    r"bulk2_query: poll JobComplete": _ask("ended"),
    r"bulk2_query: results page": _ask("ended", rows=50_003),
    r"bulk2_query: result pages": _ask("ended", rows=50_003),
    r"bulk2_query: abort": _ask("running", finish="looks", n=50),
    r"bulk2_query: delete a running": _ask("running", finish="looks", n=50),
}
