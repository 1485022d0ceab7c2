"""The SOAP endpoints."""
