"""Did you mean ...?"""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], limit: int = 1) -> list[str]:
    """
    Names in `known` that `name` may be a slip of, best first.

    One letter has no close match by edit distance: there a name that begins with it,
    or differs only in case, is the guess.
    """
    from difflib import get_close_matches  # half as long to import as the rest together

    candidates = sorted(set(known) - {name})
    exact = [c for c in candidates if c.lower() == name.lower()]
    if len(name) <= 2:
        close = [c for c in candidates if c.lower().startswith(name.lower()) and len(c) > 1]
        close.sort(key=len)
    else:
        close = get_close_matches(name, candidates, n=limit + len(exact), cutoff=0.6)
    return list(dict.fromkeys(exact + close))[:limit]
