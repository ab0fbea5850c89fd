"""What Kiro takes and gives; pure."""
