"""As much of a Salesforce client as the measurements need; nothing of ours lies between them and the org."""

from __future__ import annotations

import time
from typing import Any

import requests

V = "/services/data/v60.0"
POLL_SECONDS = 0.05
CSV = {"Content-Type": "text/csv"}


class JobFailedError(Exception):
    """A job did not do what was asked of it."""


class Client:
    """Bulk ingest by external id, Bulk query, queries."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def _call(self, method: str, path: str, **more: Any) -> requests.Response:
        answer = self._session.request(method, self._url + path, timeout=600, **more)
        answer.raise_for_status()
        return answer

    def ingest(self, content: bytes) -> None:
        """Upserts shops; returns when the job is complete."""
        order = {"object": "Account", "operation": "upsert", "externalIdFieldName": "SFS_Shop_Code__c"}
        job = self._call("POST", f"{V}/jobs/ingest", json=order).json()
        self._call("PUT", f"/{job['contentUrl']}", data=content, headers=CSV)
        self._call("PATCH", f"{V}/jobs/ingest/{job['id']}", json={"state": "UploadComplete"})
        done = self._wait(f"{V}/jobs/ingest/{job['id']}")
        if done["numberRecordsFailed"]:
            raise JobFailedError(f"{done['numberRecordsFailed']} rows failed")

    def _wait(self, path: str) -> dict[str, Any]:
        while True:
            job: dict[str, Any] = self._call("GET", path).json()
            if job["state"] == "JobComplete":
                return job
            if job["state"] in ("Failed", "Aborted"):
                raise JobFailedError(job.get("errorMessage", job["state"]))
            time.sleep(POLL_SECONDS)

    def export(self, expected: int) -> None:
        """Runs a Bulk query over all shops and downloads its result, slice by slice."""
        order = {
            "operation": "query",
            "query": "SELECT Id, SFS_Shop_Code__c, Name, Phone, LastModifiedDate FROM Account",
        }
        path = f"{V}/jobs/query/{self._call('POST', f'{V}/jobs/query', json=order).json()['id']}"
        self._wait(path)
        rows, locator = 0, ""
        while locator != "null":
            answer = self._call("GET", f"{path}/results{f'?locator={locator}' if locator else ''}")
            rows += int(answer.headers["Sforce-NumberOfRecords"])
            locator = answer.headers["Sforce-Locator"]
        if rows != expected:
            raise JobFailedError(f"{rows} rows came, {expected} were there")

    def query(self, soql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", f"{V}/query", params={"q": soql}).json()["records"]
        return found
