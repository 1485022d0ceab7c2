"""The reconcile planner: both sides complete, compared by digests; only what differs is looked at again.

Reading order: ``make`` (the walk over mappings), ``known`` (the platform as digests, which Salesforce's pages meet),
``look`` (what differs, read anew), ``report`` (what came of each record).
"""
