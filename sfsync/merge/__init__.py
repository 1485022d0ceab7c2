"""The merge: frames in, values out. No clock, no I/O, no SQL.

Reading order: ``align`` (two frames and the base, side by side), ``verdict`` (what happened to each cell and to each
record), ``decide`` (owner x verdict -> action; the table that is the heart of the product), ``guard`` (findings that
stop a run before its first write).
"""
