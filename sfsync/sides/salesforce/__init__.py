"""Salesforce as a side; see ``side``."""

from sfsync.sides.salesforce.side import SalesforceSide

__all__ = ["SalesforceSide"]
