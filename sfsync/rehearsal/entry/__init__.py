"""The ways in: OAuth, sessions, credentials."""
