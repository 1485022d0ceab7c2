"""Recorded exchanges of real orgs, replayed against the rehearsal org.

The recordings stay where they are: this reads a folder of them, brings the org to each pair's state (``state``), sends
the pair's request (``play``) and compares (``compare``). What differs for a reason says so (``reasons``).
"""
