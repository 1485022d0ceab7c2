"""The two ends, behind one protocol (``side``): salesforce, platform, and a public in-memory twin."""
