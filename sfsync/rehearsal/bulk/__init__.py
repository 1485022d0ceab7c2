"""The Bulk APIs: jobs, their files, loads and queries."""
