"""The tables of partner requests: what was asked, approved, recorded, begun and written; made at first use.

They hold keys, codes, names of people who decided something, and no personal value: what a partner wrote is sealed.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, MetaData, Table

from sfsync.ledger.tables import _Text

metadata = MetaData()

request = Table(
    "partner_request",
    metadata,
    Column("case_key", _Text, primary_key=True),
    Column("code", _Text, nullable=False),
    Column("shop", _Text, nullable=False),
    Column("operator", _Text, nullable=False),
    Column("terminal", _Text, nullable=False),
    Column("requester", _Text, nullable=False),  # an operator's code, or the shop's
    Column("imported_by", _Text, nullable=False),
    Column("received_at", _Text, nullable=False),
    Column("language", _Text, nullable=False),
    Column("queue", _Text, nullable=False),
    Column("restricted", Boolean, nullable=False),
    Column("codes", _Text, nullable=False),  # JSON list
    Column("sealed", LargeBinary),
    Column("case_number", _Text),
    Column("state", _Text, nullable=False),
    Column("waits", _Text, nullable=False),  # JSON list
    Column("reason", _Text, nullable=False),
    Column("plan_hash", _Text, nullable=False),  # of the plan that was begun
    Column("shown_hash", _Text, nullable=False),  # of the plan as it was made last
    Column("phone", _Text),  # digest of the number on file when the request was first looked at
    Column("undoing", Boolean, nullable=False),
    Column("since", _Text, nullable=False),  # in this state
    Column("ended_at", _Text),
    Index("partner_request_state", "state"),
)

mark = Table(
    "partner_mark",
    metadata,
    Column("case_key", _Text, primary_key=True),
    Column("mark", _Text, primary_key=True),
    Column("by", _Text, primary_key=True),
    Column("plan_hash", _Text, primary_key=True),
    Column("approve", Boolean, nullable=False),
    Column("reason", _Text, nullable=False),
    Column("source", _Text, nullable=False),
    Column("at", _Text, nullable=False),
)

gate = Table(
    "partner_gate",
    metadata,
    Column("case_key", _Text, primary_key=True),
    Column("gate", _Text, primary_key=True),
    Column("by", _Text, nullable=False),
    Column("at", _Text, nullable=False),
    Column("bound", _Text, nullable=False),  # JSON: what it binds to
)

matter = Table(
    "partner_matter",
    metadata,
    Column("case_key", _Text, primary_key=True),
    Column("digest", _Text, nullable=False, index=True),  # of what only one request may be made for
)

op = Table(
    "partner_op",
    metadata,
    Column("request_key", _Text, primary_key=True),
    Column("case_key", _Text, nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("step", _Text, nullable=False),
    Column("kind", _Text, nullable=False),
    Column("target", _Text, nullable=False),
    Column("reads", Boolean, nullable=False),
    Column("back", _Text, nullable=False),
    Column("state", _Text, nullable=False),  # waiting | requested | done | refused
    Column("run_id", _Text, nullable=False, index=True),  # that sent it; empty: nobody yet
    Column("requested_at", _Text),
    Column("answered_at", _Text),
    Column("sealed", LargeBinary),
)

mirror = Table(
    "partner_mirror",
    metadata,
    Column("case_key", _Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("run_id", _Text, nullable=False),
    Column("at", _Text, nullable=False),
)
