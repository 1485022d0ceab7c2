"""SOQL and SOSL: text to tree, tree to SQL, SQL to records."""
