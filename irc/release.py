"""The version of irc, as it is written into modules and keys of the cache."""

from __future__ import annotations

__version__ = "0.1.0"
