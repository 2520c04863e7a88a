"""The demo: a real client that drives the service over HTTP through the whole road."""
