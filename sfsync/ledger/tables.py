"""The ledger's tables: what both sides agreed on, what was done, what waits, what failed.

One definition for SQLite and PostgreSQL. No column holds a personal value: keys, keyed digests, codes, counts, names
of fields, and the names of the people who decided something. Instants are text (UTC, microseconds, ``…Z``), which
sorts and compares alike in both databases; keys sort by bytes (collation C), as SQLite does.
"""

from __future__ import annotations

from sqlalchemy import DDL, JSON, BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, event, text

SCHEMA_VERSION = "2"
PG_SCHEMA = "sfsync"  # on PostgreSQL the tables have a schema of their own: names like "run" are not ours alone

COMPLIANCE = "compliance"  # what a hold is about when a change of a compliance field waits

_Text = String().with_variant(String(collation="C"), "postgresql")
_Big = BigInteger().with_variant(Integer(), "sqlite")

KNOWN = "known."  # before a mapping's name: under this name meta keeps how many records its base holds

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", _Text, primary_key=True),
    Column("value", _Text, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("run_id", _Text, primary_key=True),
    Column("command", _Text, nullable=False),
    Column("actor", _Text, nullable=False),
    Column("as_of", _Text, nullable=False),
    Column("started_at", _Text, nullable=False, index=True),
    Column("ended_at", _Text),
    Column("exit", Integer),
    Column("host", _Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("summary", JSON),
)

watermark = Table(
    "watermark",
    metadata,
    Column("mapping", _Text, primary_key=True),
    Column("side", _Text, primary_key=True),
    Column("until", _Text, nullable=False),
    Column("run_id", _Text, nullable=False),
)

layout = Table(
    "layout",
    metadata,
    Column("layout_id", _Big, primary_key=True, autoincrement=False),
    Column("mapping", _Text, nullable=False),
    Column("fields", _Text, nullable=False),  # JSON list
)

STAMPED = "salesforce_stamp IS NOT NULL"

base = Table(
    "base",
    metadata,
    Column("mapping", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("layout_id", _Big, nullable=False),
    Column("digests", LargeBinary, nullable=False),  # one row of the layout's fields, see packing
    Column("salesforce_id", _Text),
    Column("salesforce_stamp", _Text),
    Column("platform_stamp", _Text),
    Column("state", _Text, nullable=False),  # synced | detached | merged | gone (from both sides)
    Column("survivor", _Text),
    # records of a load that no window has delivered yet have no stamp: a load need not sort them in
    Index("base_stamp", "mapping", "salesforce_stamp", sqlite_where=text(STAMPED)).ddl_if(dialect="sqlite"),
)
# the same index in words: `postgresql_where` would load all of PostgreSQL's dialect, also for a ledger that is a file
_STAMP_INDEX = DDL(f"CREATE INDEX base_stamp ON %(fullname)s (mapping, salesforce_stamp) WHERE {STAMPED}")  # type: ignore[no-untyped-call]
event.listen(base, "after_create", _STAMP_INDEX.execute_if(dialect="postgresql"))

intent = Table(
    "intent",
    metadata,
    Column("intent_id", _Text, primary_key=True),
    Column("run_id", _Text, nullable=False),
    Column("mapping", _Text, nullable=False),
    Column("side", _Text, nullable=False),
    Column("kind", _Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # keys, touched cells and their digests (Arrow, zstd)
    Column("job_id", _Text),
    Column("state", _Text, nullable=False),  # open | done | void
    Column("made_at", _Text, nullable=False),
    Index("intent_state", "state", "mapping"),
)

write_log = Table(  # one row per batch, see history
    "write_log",
    metadata,
    Column("seq", _Big, primary_key=True),
    Column("run_id", _Text, nullable=False),
    Column("mapping", _Text, nullable=False),
    Column("side", _Text, nullable=False),
    Column("kind", _Text, nullable=False),
    Column("at", _Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("sums", _Text, nullable=False),  # JSON: [result, code, how many] each
    Column("marks", LargeBinary, nullable=False),  # one per record, sorted, see marks
    Column("records", LargeBinary, nullable=False),  # key, result, code, fields of each (Arrow, zstd)
    Index("write_log_mapping", "mapping"),
    Index("write_log_run", "run_id"),
    Index("write_log_at", "at"),
)

hold = Table(
    "hold",
    metadata,
    Column("mapping", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("about", _Text, primary_key=True),  # digest of the parked change, or COMPLIANCE; empty: the record waits
    Column("reason", _Text, nullable=False),
    Column("waits_mapping", _Text),
    Column("waits_key", _Text),
    Column("since", _Text, nullable=False),
    Column("run_id", _Text, nullable=False),
    Column("digest", _Text),
    Index("hold_waits", "waits_mapping", "waits_key"),
)

failure = Table(
    "failure",
    metadata,
    Column("mapping", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("side", _Text, primary_key=True),
    Column("code", _Text, nullable=False),
    Column("failure_class", _Text, nullable=False),
    Column("fields", _Text, nullable=False),  # as the side named them
    Column("touched", _Text, nullable=False),  # as the mapping names them: what was to be written
    Column("reason", _Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_at", _Text, nullable=False),
    Column("last_at", _Text, nullable=False),
    Column("digest", _Text),  # of the row that was refused; null: try again whatever it holds
    Column("run_id", _Text, nullable=False),
)

conflict = Table(
    "conflict",
    metadata,
    Column("conflict_id", _Text, primary_key=True),
    Column("mapping", _Text, nullable=False),
    Column("key", _Text, nullable=False),
    Column("field", _Text, nullable=False),
    Column("platform_digest", _Text, nullable=False),
    Column("salesforce_digest", _Text, nullable=False),
    Column("platform_stamp", _Text),
    Column("salesforce_stamp", _Text),
    Column("since", _Text, nullable=False),
    Column("run_id", _Text, nullable=False),
    Column("code", _Text),  # BOTH_CHANGED | IN_DOUBT | DELETED_IN_SALESFORCE | LOOSENED
    Column("state", _Text, nullable=False),  # open | decided | applying | closed
    Column("decision", _Text),  # platform | salesforce | keep
    Column("decided_by", _Text),  # a person, "rule R-...", "deadline" or "automation"
    Column("decided_at", _Text),
    Index("conflict_key", "mapping", "key"),
    Index("conflict_state", "state", "mapping"),
)

conflict_rule = Table(
    "conflict_rule",
    metadata,
    Column("rule_id", _Text, primary_key=True),
    Column("mapping", _Text, nullable=False),
    Column("field", _Text, nullable=False),  # empty: records deleted in Salesforce
    Column("decision", _Text, nullable=False),  # platform | salesforce | keep
    Column("made_by", _Text, nullable=False),
    Column("made_at", _Text, nullable=False),
    Column("until", _Text),  # null: until it is ended
    Column("ended_by", _Text),
    Column("ended_at", _Text),
)

image = Table(
    "image",
    metadata,
    Column("run_id", _Text, primary_key=True),
    Column("mapping", _Text, primary_key=True),
    Column("side", _Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("file", _Text, nullable=False),
    Column("sha256", _Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("expires_at", _Text, nullable=False, index=True),
)

lease = Table(
    "lease",
    metadata,
    Column("name", _Text, primary_key=True),
    Column("holder", JSON),
    Column("token", _Big, nullable=False),
    Column("expires_at", _Text, nullable=False),
)

# What the service-level sweep remembers of a case: when to look again, and which of its states was written.
sla_case = Table(
    "sla_case",
    metadata,
    Column("case_id", _Text, primary_key=True),
    Column("key", _Text, nullable=False),
    Column("stamp", _Text, nullable=False),  # Salesforce's change stamp of the state that was looked at
    Column("next_at", _Text),  # when time alone changes something; null: it is over
    Column("policy_version", _Text, nullable=False),
    Column("entered", _Text),  # the category of compliance for which it was held
    Index("sla_case_next", "next_at"),
)

# Each rung fires once per episode: case, episode and level are the key of its notice, comment and owner change.
sla_rung = Table(
    "sla_rung",
    metadata,
    Column("case_id", _Text, primary_key=True),
    Column("episode", Integer, primary_key=True, autoincrement=False),
    Column("rung", _Text, primary_key=True),  # L2_prealert, L2, L3, L4; resumed-<instant>: the limit of a pause
    Column("key", _Text, nullable=False),
    Column("path", _Text, nullable=False),
    Column("reason", _Text, nullable=False),
    Column("policy_version", _Text, nullable=False),
    Column("reached_at", _Text, nullable=False),  # as computed
    Column("processed_at", _Text, nullable=False),
    Column("run_id", _Text, nullable=False),
    Column("told_at", _Text),  # null: its notice and comment are still to be made
    Index("sla_rung_told", "told_at"),
)

sla_drill = Table(
    "sla_drill",
    metadata,
    Column("drill_id", _Text, primary_key=True),
    Column("scenario", _Text, nullable=False),
    Column("policy_version", _Text, nullable=False),
    Column("at", _Text, nullable=False),
    Column("actor", _Text, nullable=False),
    Column("passed", Integer, nullable=False),
    Column("result", _Text, nullable=False),  # JSON: the rungs and who would have been called
)

# Force majeure: time that does not count against us, as somebody declared it and somebody else approved.
sla_majeure = Table(
    "sla_majeure",
    metadata,
    Column("majeure_id", _Text, primary_key=True),
    Column("from_at", _Text, nullable=False),
    Column("until_at", _Text),  # null: it goes on
    Column("tiers", _Text, nullable=False),  # JSON list; empty: all
    Column("queues", _Text, nullable=False),  # JSON list; empty: all
    Column("reason", _Text, nullable=False),
    Column("approver", _Text, nullable=False),
    Column("made_by", _Text, nullable=False),
    Column("made_at", _Text, nullable=False),
)

ADDED = (
    sla_case,
    sla_rung,
    sla_drill,
    sla_majeure,
)  # tables a ledger of this schema may lack: they are made when it is opened

audit = Table(
    "audit",
    metadata,
    Column("seq", _Big, primary_key=True, autoincrement=False),
    Column("at", _Text, nullable=False),
    Column("run_id", _Text),
    Column("actor", _Text, nullable=False),
    Column("action", _Text, nullable=False),
    Column("details", _Text, nullable=False),  # canonical JSON: the very bytes the hash was made of
    Column("prev_hash", _Text, nullable=False),
    Column("hash", _Text, nullable=False),
)
