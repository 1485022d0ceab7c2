"""The sync planner: both sides and the base in, a plan out.

Reading order: ``make`` (the walk over mappings and buckets), ``gather`` (two windows, cut into buckets of keys),
``bucket`` (one bucket: align, verdict, decide, changes), ``links`` (parents first, or a hold), ``count`` (the sums).
"""
