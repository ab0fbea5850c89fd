"""HTTP: routes, authentication, errors, responses."""
