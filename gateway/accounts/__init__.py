"""Which account serves the next request."""
