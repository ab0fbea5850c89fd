"""Where browsers come back to from a sign-in page: a port of this machine, while one is awaited."""
