"""What convolutions and pooling are told: steps, padding, and whether windows fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from irc import sizes
from irc.dialects.nd.convolution import reach, window_count
from irc.frontend import tree, walk
from irc.frontend.analysis import expressions
from irc.frontend.analysis.broadcasting import Operand
from irc.frontend.analysis.builtins.table import Call
from irc.frontend.analysis.describe import spelled
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.sizing import known_size
from irc.frontend.analysis.values import Text, TupleOf, Value
from irc.sizes import Poly, Size

Given = tree.Expr | int | None  # an argument as it is written, or its default
NAMED_PADS = ("valid", "same", "full")


@dataclass(frozen=True)
class Windows:
    """Along each of the last axes: the window's elements, steps, and zeros on both sides."""

    taps: Sequence[Size]
    stride: Sequence[int]
    dilation: Sequence[int]
    low: Sequence[Size]
    high: Sequence[Size]


def steps(env: Env, call: Call, name: str, given: Given, count: int, least: int = 1) -> list[int]:
    """
    One integer for all of `count` axes, or one for each.

    Raises E0214 for another number of them, E0215 for one below `least`.
    """
    if given is None or isinstance(given, int):
        return [given or 0] * count
    numbers = [_integer(env, call, name, e) for e in _elements(given)]
    if len(numbers) == 1:
        numbers *= count
    if len(numbers) != count:
        raise env.error(
            "E0214",
            f"`{name}` of `{call.entry.name}` has {len(numbers)} numbers for {_axes(count)}",
            given.span,
            f"one number, or {count}",
        )
    for number in numbers:
        if number < least:
            raise env.error(
                "E0215",
                f"`{name}` of `{call.entry.name}` is {number}",
                given.span,
                f"{least} or more is needed",
                helps=["leave it out, or write 1, to look at every position"]
                if name == "stride"
                else [],
            )
    return numbers


def padding(env: Env, call: Call, given: Given, count: int) -> str | list[tuple[int, int]]:
    """`"same"` and its like, or for each axis the zeros before and after; negative ones crop."""
    if given is None or isinstance(given, int):
        return [(given or 0, given or 0)] * count
    elements = _elements(given)
    if len(elements) == 1 and isinstance(walk.unparen(given), tree.String):
        return _named(env, call, given)
    pairs = [_elements(e) for e in elements]
    if count == 1 and len(elements) == 2 and all(len(p) == 1 for p in pairs):
        pairs = [[e for p in pairs for e in p]]  # conv1d(x, w, pad=(1, 2))
    numbers = [[_integer(env, call, "pad", e) for e in p] for p in pairs]
    if len(numbers) == 1:
        numbers *= count
    if len(numbers) != count or any(len(p) not in (1, 2) for p in numbers):
        example = ", ".join(["(1, 2)"] * count)
        raise env.error(
            "E0214",
            f"`pad` of `{call.entry.name}` does not say the zeros of {_axes(count)}",
            given.span,
            "a number, one for each axis, or a pair for each",
            helps=[f"zeros before and after: `pad=[{example}]`"],
        )
    return [(p[0], p[-1]) for p in numbers]


def _named(env: Env, call: Call, given: tree.Expr) -> str:
    value = expressions.evaluate(env, given)
    assert isinstance(value, Text)
    if value.value in NAMED_PADS:
        return value.value
    raise env.error(
        "E0215",
        f'`pad` of `{call.entry.name}` is "{value.value}"',
        given.span,
        "not a padding",
        helps=['write `"valid"`, `"same"`, `"full"`, or numbers'],
    )


def _elements(given: tree.Expr) -> list[tree.Expr]:
    inner = walk.unparen(given)
    return list(inner.elements) if isinstance(inner, tree.Array | tree.Tuple) else [given]


def _integer(env: Env, call: Call, name: str, node: tree.Expr) -> int:
    value: Value = expressions.evaluate(env, node)
    known = None if isinstance(value, TupleOf) else known_size(value)
    constant = None if known is None else known.constant
    if constant is not None:
        return constant
    raise env.error(
        "E0302",
        f"`{name}` of `{call.entry.name}` needs integers that are known when it is compiled",
        node.span,
        f"this is {value.type}" if known is None else f"`{known}` depends on the arguments",
    )


def _axes(count: int) -> str:
    return f"{count} axes" if count > 1 else "1 axis"


# -- padding that depends on the sizes


def zeros(
    env: Env,
    call: Call,
    pad: str | list[tuple[int, int]],
    whole: Sequence[Size],
    taps: Sequence[Size],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> tuple[list[Size], list[Size]]:
    """
    Zeros before and after each axis.

    valid   none
    same    as many as give ceil(size / stride) windows, an odd one after
    full    so many that each window has an element
    """
    if not isinstance(pad, str):
        return [lo for lo, _ in pad], [hi for _, hi in pad]
    low: list[Size] = []
    high: list[Size] = []
    for axis, (size, k, st, d) in enumerate(zip(whole, taps, stride, dilation, strict=True)):
        more = reach(k, d) - 1
        if pad == "full":
            total = more * 2
        elif pad == "valid":
            total = sizes.const(0)
        elif st == 1:
            total = more
        else:
            total = _same(env, call, axis, size, more, st)
        before = total // 2
        low.append(sizes.size(before))
        high.append(sizes.size(total - before))
    return low, high


def _same(env: Env, call: Call, axis: int, size: Size, more: Poly, stride: int) -> Poly:
    wide = more.constant
    if isinstance(size, int) and wide is not None:
        return sizes.const(max((-(-size // stride) - 1) * stride + wide + 1 - size, 0))
    raise env.error(
        "E0215",
        f'`pad="same"` with stride {stride} depends on the size {size} of axis {axis + 2}',
        call.span_of("pad"),
        "the zeros are not known when it is compiled",
        helps=[f"write them: `pad={(wide or 2) // 2}`"],
    )


# -- whether a window fits


def check_fit(env: Env, call: Call, what: str, x: Operand, w: Windows, first: int) -> None:
    """
    Makes sure that each axis of `x` from `first` on, with its zeros, has a window at least.

    what   how messages call the window: "the kernel"
    Raises E0215 where none ever fits; where that depends on sizes, a call fails.
    """
    whole = x.value.dims[first:]
    for axis, (size, k, d, lo, hi) in enumerate(
        zip(whole, w.taps, w.dilation, w.low, w.high, strict=True), first
    ):
        room = sizes.poly(size) + lo + hi
        left = sizes.size(env.facts.normal(room - reach(k, d)))
        if env.nonnegative(-sizes.poly(left) - 1):
            padded = f" with {sizes.size(sizes.poly(lo) + hi)} zeros" if (lo, hi) != (0, 0) else ""
            spread = f", {reach(k, d)} with dilation {d}" if d != 1 else ""
            raise env.error(
                "E0215",
                f"{what} is larger than what it slides over",
                call.span,
                f"axis {axis} of `{spelled(env, x.node)}` is {size}{padded}; {what} is {k}{spread}",
                labels=[x.value.origin.label(f"`{x.value.origin.name}` is {x.value.type}")]
                if x.value.origin.name
                else [],
                helps=["a smaller one, or more zeros around: `pad=`"],
            )
        env.require(
            left,
            f"{call.entry.name}: {what} does not fit axis {axis}, which is {{0}}",
            call.span,
            shown=[size],
        )
        count = window_count(room, k, w.stride[axis - first], d)
        env.facts.add_nonnegative(sizes.poly(count) - 1)
