"""Text from the last level of IR."""
