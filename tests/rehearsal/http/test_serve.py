"""The command and its process: ready line, restart, signals, kill -9 in the middle of a job."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from sfsync.rehearsal.serve import Ready, ServeError, locked
from tests.rehearsal.http.conftest import FORCE_APP, Client, V

ROOT = FORCE_APP.parent
COMMAND = [sys.executable, "-c", "import sys; from sfsync.cli import main; sys.exit(main())", "org"]


def start(data: Path, *options: str) -> tuple[subprocess.Popen[str], Ready]:
    """Starts ``sfsync org serve`` and waits for its line."""
    command = [*COMMAND, "serve", "--data", str(data), "--force-app", str(FORCE_APP), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the server ended before its ready line"
    return process, Ready(**json.loads(line))


@contextmanager
def served(data: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    process, ready = start(data, *options)
    try:
        yield process, Client(ready)
    finally:
        process.kill()
        process.wait()


def test_ready_line_and_clean_end(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    with served(tmp_path / "org", "--ready-file", str(file), "--seed", "operator") as (process, client):
        ready = json.loads(file.read_text())
        assert ready["pid"] == process.pid
        assert ready["instance_url"] == client.ready.instance_url
        for path in (file, Path(ready["private_key_file"]), tmp_path / "org/credentials.json"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert client.query("SELECT COUNT() FROM User WHERE IsActive = true")["totalSize"] >= 16
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stdout is not None
        assert process.stdout.read() == ""


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    data = tmp_path / "org"
    with served(data) as (process, client):
        rows = [{"attributes": {"type": "Contact"}, "LastName": f"L{number}"} for number in range(200)]
        for _ in range(2):
            client.post(f"{V}/composite/sobjects", {"records": rows})
        page = client.get(f"{V}/query?q=SELECT+Id+FROM+Contact", headers={"Sforce-Query-Options": "batchSize=200"})
        job = client.ingest("Name\nA\n", object="Account", operation="insert")
        client.control("clock", {"now": "2026-03-01T08:00:00Z", "freeze": True})
        client.control("faults", {"kind": "status", "status": 500, "match": "/recordCount"})
        time.sleep(1.5)
        before = client.stats()
        first = client.ready
        process.kill()
        process.wait()
    with served(data) as (_, client):
        again = client.ready
        assert (again.access_token, again.username, again.password) == (
            first.access_token,
            first.username,
            first.password,
        )
        assert client.stats() == before
        rest = client.get(page.json()["nextRecordsUrl"])
        assert len(rest.json()["records"]) == 200
        assert client.get(f"{V}/jobs/ingest/{job['id']}/successfulResults").text.count("\n") == 2
        assert client.get("/rehearsal/clock").json()["now"] == "2026-03-01T08:00:00.000+0000"
        assert client.get(f"{V}/limits/recordCount?sObjects=Account").status_code == 500


def test_killed_in_the_middle_of_a_job(tmp_path: Path) -> None:
    data, count = tmp_path / "org", 40_000
    csv = "LastName,Phone\n" + "".join(f"L{number:05d},{number}\n" for number in range(count))
    with served(data) as (process, client):
        job = client.post(f"{V}/jobs/ingest", {"object": "Contact", "operation": "insert"}).json()
        head = {"Content-Type": "text/csv"}
        client.call("PUT", f"/{job['contentUrl']}", data=csv.encode(), headers=head)
        client.patch(f"{V}/jobs/ingest/{job['id']}", {"state": "UploadComplete"})
        done = _await_some_rows(client, job["id"])
        process.kill()
        process.wait()
        assert 0 < done < count
    with served(data) as (_, client):
        finished = client.wait(f"{V}/jobs/ingest/{job['id']}", 60)
        assert (finished["numberRecordsProcessed"], finished["numberRecordsFailed"]) == (count, 0)
        assert client.query("SELECT COUNT() FROM Contact")["totalSize"] == count
        good = client.get(f"{V}/jobs/ingest/{job['id']}/successfulResults").text.splitlines()
        names = [line.split(",")[2] for line in good[1:]]
        assert names == [f'"L{number:05d}"' for number in range(count)]


def _await_some_rows(client: Client, job_id: str) -> int:
    while True:
        job: dict[str, Any] = client.get(f"{V}/jobs/ingest/{job_id}").json()
        if job["numberRecordsProcessed"]:
            return int(job["numberRecordsProcessed"])
        time.sleep(0.005)


def test_https_beside_http(tmp_path: Path) -> None:
    with served(tmp_path) as (process, client):
        ready = client.ready
        assert ready.https_url is not None
        key = tmp_path / "tls/server.key"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        session = requests.Session()
        session.trust_env = False  # a bundle named in the environment would be preferred
        session.verify = ready.ca_file
        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"{ready.https_url}/services/data", verify=True, timeout=30)
        for url in (ready.https_url, ready.https_url.replace("127.0.0.1", "localhost")):
            assert session.get(f"{url}/services/data", timeout=30).status_code == 200
        form = {"grant_type": "client_credentials", "client_id": ready.consumer_key}
        form["client_secret"] = ready.consumer_secret
        answer = session.post(f"{ready.https_url}/services/oauth2/token", data=form, timeout=30)
        assert answer.json()["instance_url"] == ready.https_url
        first = key.read_bytes()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with served(tmp_path, "--no-https") as (_, client):
        assert (client.ready.https_url, client.ready.ca_file) == (None, None)
        assert key.read_bytes() == first


def test_one_process_per_folder(tmp_path: Path) -> None:
    with locked(tmp_path):
        with pytest.raises(ServeError, match="already running"), locked(tmp_path):
            pass
        done = _run("reset", "--data", str(tmp_path))
        assert done.returncode == 2
        assert "already running" in done.stderr


def test_reset_command(tmp_path: Path) -> None:
    with served(tmp_path) as (process, client):
        client.create("Account", Name="A")
        first = client.ready
        process.send_signal(signal.SIGTERM)
        process.wait()
    assert _run("reset", "--data", str(tmp_path)).returncode == 0
    with served(tmp_path) as (_, client):
        assert client.ready.access_token == first.access_token
        assert client.query("SELECT COUNT() FROM Account")["totalSize"] == 0


def test_usage_errors(tmp_path: Path) -> None:
    done = _run("serve", "--data", str(tmp_path), "--seed", "nothing")
    assert done.returncode == 2
    assert "operator" in done.stderr
    done = _run("serve", "--help")
    assert "SFSYNC_ORG_PORT" in done.stdout


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=60, cwd=ROOT, env=environment, check=False
    )


def test_faults_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "tonight.yaml"
    file.write_text("- {kind: status, match: limits, times: 2}\n- {kind: lock, object: Case, times: 1}\n")
    with served(tmp_path / "org", "--faults", str(file)) as (_, client):
        assert [client.get(f"{V}/limits").status_code for _ in range(3)] == [503, 503, 200]
        assert [one["kind"] for one in client.get("/rehearsal/faults").json()["faults"]] == ["status", "lock"]


def test_a_fault_file_that_makes_no_sense(tmp_path: Path) -> None:
    file = tmp_path / "tonight.yaml"
    file.write_text("- {kind: magic}\n")
    done = _run("serve", "--data", str(tmp_path / "org"), "--faults", str(file))
    assert done.returncode == 2
    assert "unknown fault kind 'magic'" in done.stderr
