"""Bulk API 2.0, and the jobs, files, loads and queries it shares with Bulk API 1.0 (``classic``)."""
