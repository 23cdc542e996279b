"""Passes on tensors and perfect loop nests."""
