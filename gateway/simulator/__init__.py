"""A strict Kiro over HTTP, its rules its own."""
