"""The REST API: rows, collections, composite, queries, resources."""
