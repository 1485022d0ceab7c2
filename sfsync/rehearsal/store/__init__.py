"""The SQLite file behind the org."""
