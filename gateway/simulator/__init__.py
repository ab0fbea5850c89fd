"""A strict Kiro over HTTP, its rules its own.

The simulator plays the service for the demo, the tests and load tests. It is the gateway's
opponent: it shares none of its code but the framing and the errors, and refuses whatever the
service is known to refuse. docs/simulator.md is its manual.
"""
