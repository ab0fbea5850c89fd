"""Replacing this program with a newer release of itself."""
