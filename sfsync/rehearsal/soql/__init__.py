"""SOQL: grammar, parse tree, and the compiler to SQLite."""
