"""Measurements; `tools/bench` runs them. README.md says what they mean."""
