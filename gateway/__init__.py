"""Kiro Gateway: OpenAI- and Anthropic-compatible APIs for Kiro accounts."""

__version__ = "0.1.0"
