"""The reconcile planner: both sides complete, compared by digests; only what differs is looked at again.

Reading order: ``make`` (the walk over mappings), ``index`` (one side, read once, 16 bytes a record and its name),
``compare`` (buckets, then records), ``look`` (what differs, read anew), ``report`` (what came of each).
"""
