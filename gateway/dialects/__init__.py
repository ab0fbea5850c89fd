"""One folder for each client API."""
