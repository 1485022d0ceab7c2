"""Loads, upserts, exports and deletes with salesforce-bulk (Bulk API 1.0) in the org named in the environment.

Lives in the client's own environment: it imports nothing of sfsync.
"""

import csv
import io
import json
import os

from salesforce_bulk import BulkApiError, CsvDictsAdapter, SalesforceBulk

HOST = os.environ["ORG_URL"].removeprefix("https://")


def sign_in(version):
    # The library makes https://{domain}.salesforce.com/… of a domain; the fragment keeps the address ours.
    return SalesforceBulk(
        username=os.environ["SF_USERNAME"],
        password=os.environ["ORG_PASSWORD"],
        security_token=os.environ["ORG_SECURITY_TOKEN"],
        domain=f"{HOST}/services/Soap/u/{version}#",
        API_version=version,
    )


def load(bulk, job, rows):
    batch = bulk.post_batch(job, CsvDictsAdapter(iter(rows)))
    bulk.close_job(job)
    bulk.wait_for_batch(job, batch, sleep_interval=0.1)
    return bulk.get_batch_results(batch, job)


def export(bulk, soql, **how):
    job = bulk.create_query_job("Contact", contentType="CSV", **how)
    first = bulk.query(job, soql)
    if not how:
        bulk.wait_for_batch(job, first, sleep_interval=0.1)
    bulk.close_job(job)
    done = [one["id"] for one in bulk.get_batch_list(job) if one["state"] == "Completed"]
    texts = [part.read().decode() for one in done for part in bulk.get_all_results_for_query_batch(one, job)]
    return [row for text in texts for row in csv.DictReader(io.StringIO(text))]


def refused(call):
    try:
        call()
    except BulkApiError as error:
        return str(error).partition("exceptionCode>")[2].partition("<")[0] or str(error)
    return None


def main():
    bulk = sign_in("60.0")
    people = [{"LastName": f"Person {n}", "Email": f"p{n}@example.com"} for n in range(20)] + [
        {"LastName": "", "Email": "z@example.com"}
    ]
    made = load(bulk, bulk.create_insert_job("Contact", concurrency="Parallel"), people)
    again = load(
        bulk,
        bulk.create_upsert_job("Contact", "Email"),
        [{"Email": "p0@example.com", "LastName": "Other"}, {"Email": "n@example.com", "LastName": "New"}],
    )
    soql = "SELECT Id, LastName, Account.Name, CreatedDate FROM Contact"
    plain, chunked = export(bulk, soql), export(bulk, soql, pk_chunking=100000)
    gone = load(bulk, bulk.create_delete_job("Contact"), [{"Id": row["Id"]} for row in plain])
    stranger = SalesforceBulk(sessionId="00D!none", host=os.environ["ORG_URL"])
    told = {
        "made": [one.success for one in made].count("true"),
        "error": made[-1].error,
        "created": [one.created for one in again],
        "columns": list(plain[0]),
        "exported": len(plain),
        "chunked": sorted(row["Id"] for row in chunked) == sorted(row["Id"] for row in plain),
        "gone": [one.success for one in gone].count("true"),
        "left": len(export(bulk, soql)),
        "no session": refused(lambda: stranger.create_insert_job("Contact")),
        "no object": refused(lambda: bulk.create_insert_job("Nope__c")),
    }
    print(json.dumps(told))


main()
