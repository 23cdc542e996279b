"""Passes that leave `nd` in `nd`: equations between tensor ops, derivatives, clean-up."""
