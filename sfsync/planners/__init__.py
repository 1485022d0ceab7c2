"""Makers of plans. Each takes readers, never writers: a planner cannot change anything, by type."""
