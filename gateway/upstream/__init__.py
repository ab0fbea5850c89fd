"""HTTP conversations with Kiro."""
