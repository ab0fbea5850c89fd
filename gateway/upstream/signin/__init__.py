"""Getting and renewing an account's tokens."""
