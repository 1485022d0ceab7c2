"""A made-up Italian betting operator: its database, its people, and small edits for a guided tour."""
