"""Signing in: portal, device code, external identity provider, and the renewal of tokens."""
