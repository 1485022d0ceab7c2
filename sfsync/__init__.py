"""sfsync keeps player, partner and case records in step between a betting operator's platform and Salesforce."""

__version__ = "0.1.0"
