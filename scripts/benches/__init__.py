"""Measurements at growing sizes."""
