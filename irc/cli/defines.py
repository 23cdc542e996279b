"""Values of flags that need reading."""

from __future__ import annotations

import re
from collections.abc import Iterable

from irc.cli.common import usage


def parse_defines(texts: Iterable[str]) -> dict[str, str]:
    """`-D H=1000 -D floatX=f64` as a dictionary; the last of equals wins, `-D x` is `x=true`."""
    defines = {}
    for text in texts:
        name, given, value = text.partition("=")
        if not re.fullmatch(r"[^\W\d]\w*", name.strip()):
            usage(f"-D needs NAME=VALUE, got `{text}`")
        defines[name.strip()] = value.strip() if given else "true"
    return defines


def parse_sizes(text: str) -> dict[str, int]:
    """`n=64,m=3` as a dictionary of sizes."""
    sizes = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, given, value = part.partition("=")
        if not given or not re.fullmatch(r"\d{1,18}", value.strip()):
            usage(f"a size is written n=64, got `{part}`")
        sizes[name.strip()] = int(value)
    return sizes
