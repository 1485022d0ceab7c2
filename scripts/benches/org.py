"""The rehearsal org under load, over HTTP, in a process of its own: Bulk ingest, Bulk query, queries, memory."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from scripts.benches import report
from scripts.benches.org_client import Client
from scripts.benches.org_process import running
from scripts.benches.timing import Timing, timed

DEFAULT_ROWS = "10000,100000,1000000"
SINGLE_QUERIES, PAGE_QUERIES, PAGE = 500, 100, 2000


def main(arguments: list[str]) -> int:
    """Prints a column per size, with what each figure is relative to the first size's."""
    parser = argparse.ArgumentParser(prog="scripts/bench org", description=__doc__)
    parser.add_argument("--rows", default=DEFAULT_ROWS, help=f"sizes, comma-separated (default {DEFAULT_ROWS})")
    sizes = [int(one) for one in parser.parse_args(arguments).rows.split(",")]
    report.show(sizes, [measure(size) for size in sizes])
    return 0


def measure(size: int) -> dict[str, float]:
    """All figures of one size, on an org of its own."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        client = Client(server.url, server.token)
        say(f"{size:,} rows")
        found = {
            "ingest, empty table (rows/s)": size / timed(lambda: client.ingest(rows(size, "a"))),
            "ingest, full table (rows/s)": size / timed(lambda: client.ingest(rows(size, "b"))),
            "export by Bulk query (rows/s)": size / timed(lambda: client.export(size)),
        }
        found |= _latencies("single row by external id", _singles(client, size))
        found |= _latencies(f"keyset page of {PAGE:,}", _pages(client, size))
        found["peak memory of the server (MB)"] = server.peak_mb()
        return found


def rows(size: int, tag: str) -> bytes:
    """A CSV of shops; the same keys for every ``tag``, other values."""
    lines = (
        f"S{one:07d},Shop {one} {tag},+49 30 {one},Text {one % 1000} {tag},City {one % 500},{one % 997}"
        for one in range(size)
    )
    header = "SFS_Shop_Code__c,Name,Phone,Description,BillingCity,NumberOfEmployees"
    return "\n".join([header, *lines, ""]).encode()


def _singles(client: Client, size: int) -> Timing:
    step = max(1, size // SINGLE_QUERIES)
    keys = [f"S{number:07d}" for number in range(0, size, step)][:SINGLE_QUERIES]
    soql = "SELECT Id, Name, Phone FROM Account WHERE SFS_Shop_Code__c = '{}'"
    return Timing.of(lambda key: client.query(soql.format(key)), keys)


def _pages(client: Client, size: int) -> Timing:
    """Pages one after the other by ``Id >``, from the beginning again at the end."""
    timing, last = Timing(), "000000000000000AAA"
    for _ in range(PAGE_QUERIES):
        soql = f"SELECT Id, Name, Phone FROM Account WHERE Id > '{last}' ORDER BY Id LIMIT {PAGE}"  # noqa: S608 - SOQL
        found = timing.add(lambda soql=soql: client.query(soql))
        last = found[-1]["Id"] if len(found) == PAGE else "000000000000000AAA"
    return timing


def _latencies(name: str, timing: Timing) -> dict[str, float]:
    return {
        f"{name} (queries/s)": timing.per_second(),
        f"{name}, p50 (ms)": timing.percentile(50),
        f"{name}, p99 (ms)": timing.percentile(99),
    }


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
