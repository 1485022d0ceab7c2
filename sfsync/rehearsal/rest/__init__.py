"""The REST API: rows, collections, composite, queries, describes, search, deploys."""
