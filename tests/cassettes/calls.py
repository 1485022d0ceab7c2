"""The calls of every cassette, pinned: how many API calls a path costs, what comes of it, and what is asked in which
order. A change here is a change of what sfsync costs or does; it belongs into the changelog.
"""

from __future__ import annotations

from typing import NamedTuple


class Cost(NamedTuple):
    """``api_calls`` as sfsync counts them (logins and the clock are free), the outcome, and every request."""

    api_calls: int
    outcome: str
    calls: list[str]


DESCRIBES = "POST composite: 5 x GET describe -> 304"
PARTNERS = ["GET queryAll Account", "GET queryAll Account", "GET queryAll Contact"]  # company, shop, operator
PLAYERS = "GET queryAll Account"
REST = ["GET queryAll Asset", "GET queryAll Case"]
LOOK = [DESCRIBES, *PARTNERS, PLAYERS, *REST]  # what a run costs that finds nothing: a window per mapping
LOOK_PLAYERS = [DESCRIBES, *PARTNERS, PLAYERS, "GET query Account", *REST]  # and the other side of players changed here
US = "integration@rehearsal.example in 00DRh0000000001MAA, 1 org"
TOKEN = "POST oauth2/token client_credentials"

COSTS = {
    "login-jwt": Cost(1, US, ["POST oauth2/token jwt-bearer", "GET query Organization"]),
    "login-client-credentials": Cost(1, US, [TOKEN, "GET query Organization"]),
    "login-password": Cost(1, US, ["POST Soap/u/62.0", "GET query Organization"]),
    "session-renewed": Cost(
        3,
        "1 org",
        [TOKEN, "GET query Organization", "GET query Organization -> 401", TOKEN, "GET query Organization"],
    ),
    "describe": Cost(2, "drift: []", ["POST composite: 5 x GET describe", DESCRIBES]),
    "first-run": Cost(
        20,
        "exit 0; company -> salesforce: 1 created; shop -> salesforce: 3 created; operator -> salesforce: 7 created; "
        "player -> salesforce: 8 created; terminal -> salesforce: 12 created; case -> salesforce: 5 created; "
        "case -> platform: 5 updated",
        [
            DESCRIBES,
            "GET queryAll Account",
            "GET queryAll Account",
            "GET query User",
            "GET queryAll Contact",
            PLAYERS,
            *REST,
            "POST composite: 1 x PATCH Account/SFS_Company_Code__c of 1",
            "GET query Account",
            "POST composite: 1 x PATCH Account/SFS_Shop_Code__c of 3",
            "GET query Account",
            "POST composite: 1 x PATCH Contact/SFS_Operator_Code__c of 7",
            "GET query Contact",
            "POST composite: 1 x PATCH Account/SFS_Player_Id__c of 8",
            "GET query Account",
            "POST composite: 1 x PATCH Asset/SFS_Terminal_Id__c of 12",
            "GET query Asset",
            "POST composite: 1 x PATCH Case/SFS_Source_Key__c of 5",
            "GET query Case",
        ],
    ),
    "idle-run": Cost(7, "exit 0", LOOK),
    "changed-player": Cost(
        11,
        "exit 0; player -> salesforce: 1 updated",
        [*LOOK_PLAYERS, "GET query Account", "POST composite: 1 x PATCH Account of 1", "GET query Account"],
    ),
    "self-exclusion": Cost(
        14,
        "exit 0; player -> salesforce: 1 updated",
        [*LOOK_PLAYERS, *["GET query Account", "POST composite: 1 x PATCH Account of 1", "GET query Account"] * 2],
    ),
    "case-born-in-salesforce": Cost(
        10,
        "exit 0; case -> platform: 1 created",
        [*LOOK, "GET query Case", "POST composite: 1 x PATCH Case of 1", "GET query Case"],
    ),
    "missing-parent": Cost(7, "exit 0; case -> salesforce: 1 held", LOOK),
    "parent-arrives": Cost(
        11,
        "exit 0; shop -> salesforce: 1 created; case -> salesforce: 1 created; case -> platform: 1 updated",
        [
            *LOOK,
            "POST composite: 1 x PATCH Account/SFS_Shop_Code__c of 1",
            "GET query Account",
            "POST composite: 1 x PATCH Case/SFS_Source_Key__c of 1",
            "GET query Case",
        ],
    ),
    "refused-row": Cost(
        10,
        "exit 3; player -> salesforce: 1 failed; case -> platform: 1 updated",
        [*LOOK_PLAYERS, "GET query Account", "POST composite: 1 x PATCH Account of 1 -> 1 refused"],
    ),
    "refused-row-corrected": Cost(
        11,
        "exit 0; player -> salesforce: 3 updated",
        [*LOOK_PLAYERS, "GET query Account", "POST composite: 1 x PATCH Account of 3", "GET query Account"],
    ),
    "new-company": Cost(
        9,
        "exit 0; company -> salesforce: 1 created",
        [*LOOK, "POST composite: 1 x PATCH Account/SFS_Company_Code__c of 1", "GET query Account"],
    ),
    "undo": Cost(
        4,
        "exit 0; company -> salesforce: 1 archived",
        [DESCRIBES, "GET query Account", "GET query Account", "POST composite: 1 x DELETE of 1"],
    ),
    "bulk-upsert": Cost(
        8,
        "11 created, 1 failed, INVALID_EMAIL_ADDRESS",
        [
            "POST composite: 1 x GET describe -> 304",
            "POST jobs/ingest upsert Account",
            "PUT jobs/ingest/JOB/batches",
            "PATCH jobs/ingest/JOB UploadComplete",
            "GET jobs/ingest/JOB",
            "GET jobs/ingest/JOB",
            "GET jobs/ingest/JOB/successfulResults",
            "GET jobs/ingest/JOB/failedResults",
        ],
    ),
    "bulk-query": Cost(
        6,
        "12 companies, all named",
        [
            "GET versions",
            "POST composite: 1 x GET describe -> 304",
            "GET queryAll Account",
            "POST jobs/query queryAll Account",
            "GET jobs/query/JOB",
            "GET jobs/query/JOB",
            "GET jobs/query/JOB/results",
        ],
    ),
    "no-calls-left": Cost(1, "exit 6; REQUEST_LIMIT_EXCEEDED", ["POST composite: 5 x GET describe -> 403"]),
}
