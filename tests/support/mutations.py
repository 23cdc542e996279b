"""
Damaged texts for fuzzing: tokens of good texts dropped, doubled, swapped, replaced and mixed.

    for text in mutants(corpus, np.random.default_rng(seed), 1000):

Most mutants are wrong in one or two places, as what people type is; some stay right.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence

TOKEN = re.compile(r"\s+|#[^\n]*|\"[^\"\n]*\"|[%@^!#]?[\w.$]+|[-=<>!*/+]{1,2}|.", re.DOTALL)

# What a text is not made of, but users, editors and attackers put into it.
ODD = (
    "", "\0", "\t", "\r", "\r\n", "\ufeff", "\x1b[31m", "λ", "é", "e\u0301", "\u2028", "😀", '"',
    "\\", "'", "`", "(", ")", "[", "]", "{", "}", "<", ">", ",", ":", ";", "=", "==", "+=", "@",
    "#", "##", "->", "...", "..", ".", "-", "*", "**", "/", "//", "%", "0", "1", "-1", "2", "0.0",
    "1e400", "1e-400", "9223372036854775807", "9223372036854775808",
    "123456789012345678901234567890",
    "1_0", "0x7f",
)  # fmt: skip


def mutants(
    corpus: Sequence[str], seed: int, count: int, words: Sequence[str] = ()
) -> Iterator[str]:
    """`count` texts; `words` are put in besides the words of the corpus and odd ones."""
    rng = random.Random(seed)
    pieces = [TOKEN.findall(text) for text in corpus]
    pool = sorted({p for text in pieces for p in text if not p.isspace()} | set(words))
    for _ in range(count):
        tokens = list(rng.choice(pieces))
        for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
            if tokens:
                rng.choice(MUTATIONS)(tokens, rng, pool)
        yield "".join(tokens)


def _solid(tokens: list[str], rng: random.Random) -> int:
    """The position of some token that is not a blank, if one is found soon."""
    for _ in range(8):
        at = rng.randrange(len(tokens))
        if not tokens[at].isspace():
            break
    return at


def _drop(tokens: list[str], rng: random.Random, pool: Sequence[str]) -> None:
    del tokens[_solid(tokens, rng)]


def _double(tokens: list[str], rng: random.Random, pool: Sequence[str]) -> None:
    at = _solid(tokens, rng)
    tokens[at:at] = [tokens[at], rng.choice(("", " "))]


def _swap(tokens: list[str], rng: random.Random, pool: Sequence[str]) -> None:
    a, b = _solid(tokens, rng), _solid(tokens, rng)
    tokens[a], tokens[b] = tokens[b], tokens[a]


def _replace(tokens: list[str], rng: random.Random, pool: Sequence[str]) -> None:
    tokens[_solid(tokens, rng)] = rng.choice(pool)


def _take(tokens: list[str], rng: random.Random, pool: Sequence[str]) -> None:
    """Another token of the same text: wrong names and sizes are the commonest mistake."""
    tokens[_solid(tokens, rng)] = tokens[_solid(tokens, rng)]


def _insert(tokens: list[str], rng: random.Random, pool: Sequence[str]) -> None:
    tokens.insert(_solid(tokens, rng), f" {rng.choice(pool)} ")


def _odd(tokens: list[str], rng: random.Random, pool: Sequence[str]) -> None:
    at = _solid(tokens, rng)
    tokens[at] = rng.choice((rng.choice(ODD), tokens[at] + rng.choice(ODD)))


def _cut(tokens: list[str], rng: random.Random, pool: Sequence[str]) -> None:
    """A line or some tokens go."""
    at = _solid(tokens, rng)
    del tokens[at : at + rng.randrange(1, 12)]


def _move(tokens: list[str], rng: random.Random, pool: Sequence[str]) -> None:
    at, length = _solid(tokens, rng), rng.randrange(1, 12)
    part = tokens[at : at + length]
    del tokens[at : at + length]
    to = rng.randrange(len(tokens) + 1)
    tokens[to:to] = part


def _truncate(tokens: list[str], rng: random.Random, pool: Sequence[str]) -> None:
    if rng.random() < 0.2:
        del tokens[_solid(tokens, rng) :]


MUTATIONS: tuple[Callable[[list[str], random.Random, Sequence[str]], None], ...] = (
    _drop, _double, _swap, _replace, _replace, _take, _take, _insert, _odd, _cut, _move, _truncate,
)  # fmt: skip
