"""Bulk API 1.0: jobs of batches in CSV, XML and JSON below /services/async (wire reference 13)."""
