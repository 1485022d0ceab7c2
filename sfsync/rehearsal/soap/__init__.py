"""The SOAP endpoints: login, the partner API, the Metadata API."""
