"""Passes: equations between ops, and the steps from level to level."""
