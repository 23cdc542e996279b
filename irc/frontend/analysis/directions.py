"""`vjp` and `jvp`: products with a Jacobian, from the left and from the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from irc.diagnostics import Span
from irc.frontend import tree, walk
from irc.frontend.analysis.broadcasting import adapts, merged_batch, spread
from irc.frontend.analysis.derivatives import (
    Form,
    arguments,
    check_path,
    declaration,
    like,
    value_of,
    wrt_of,
)
from irc.frontend.analysis.describe import article
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.pullback import pulled_back, pushed
from irc.frontend.analysis.values import (
    NUMERIC,
    Number,
    Numeric,
    Open,
    Origin,
    Record,
    SizeOf,
    Tensor,
    TupleOf,
    Value,
    with_origin,
)

VJP = Form("vjp", ("y", "wrt", "cotangent"))
JVP = Form("jvp", ("y", "wrt", "tangent"))


def vjp(env: Env, args: Sequence[tree.Arg], span: Span) -> Value:
    """
    The cotangent times the Jacobian of `y`, in the structure of `wrt`.

    Raises E0401 where y does not depend on a value, E0402 for a y that is no float, E0405 for
    what has no derivatives, E0406 for a cotangent that is not like y.
    """
    given = arguments(env, VJP, args, span)
    value = value_of(env, given["y"])
    ys = list(floats(env, VJP, value, given["y"]))
    wrt = wrt_of(env, VJP, given)
    seeds = Direction(env, "cotangent", given["cotangent"], given["y"]).tensors(value)
    check_path(env, ys, given["y"], wrt)
    with env.at(span):
        y, seed = (ys[0], seeds[0]) if len(ys) == 1 else (_weighted(env, ys, seeds), None)
        results = iter(pulled_back(env, y, seed, wrt))
    origin = Origin(span=span, how="the result of `vjp`")
    return like(wrt.value, lambda: with_origin(next(results), origin), origin)


def jvp(env: Env, args: Sequence[tree.Arg], span: Span) -> Value:
    """
    The Jacobian of `y` times the tangent, in the structure of `y`.

    Raises what `vjp` does; E0406 for a tangent that is not like `wrt`.
    """
    given = arguments(env, JVP, args, span)
    value = value_of(env, given["y"])
    ys = list(floats(env, JVP, value, given["y"]))
    wrt = wrt_of(env, JVP, given)
    tangents = Direction(env, "tangent", given["tangent"], given["wrt"]).tensors(wrt.value)
    check_path(env, ys, given["y"], wrt)
    wrt = wrt if len(ys) == 1 else wrt.allowing()
    with env.at(span):
        results = iter([pushed(env, y, tangents, wrt) for y in ys])
    origin = Origin(span=span, how="the result of `jvp`")
    return like(value, lambda: with_origin(next(results), origin), origin)


def floats(env: Env, form: Form, value: Value, arg: tree.Arg) -> Iterator[Tensor]:
    """The tensors of what is differentiated. Raises E0402 for one that is no float tensor."""
    match value:
        case TupleOf(items=items):
            for item in items:
                yield from floats(env, form, item, arg)
        case Record(fields=fields):
            for item in fields.values():
                yield from floats(env, form, item, arg)
        case Tensor() if value.dtype.is_float:
            yield value
        case _:
            raise _no_float(env, form, value, arg)


def _no_float(env: Env, form: Form, value: Value, arg: tree.Arg) -> Problem:
    what = f"this is {value.type}" if isinstance(value, NUMERIC) else f"this is a {value.type}"
    text = env.frame.module.text_of(arg.value.span)
    helps = [f"convert it: `f32({text})`"] if isinstance(value, Tensor) else []
    return env.error(
        "E0402", f"`{form.name}` needs a floating-point value to differentiate", arg.span, what,
        labels=[declaration(value)], helps=helps,
    )  # fmt: skip


def _weighted(env: Env, ys: Sequence[Tensor], seeds: Sequence[Tensor]) -> Tensor:
    """One number whose gradient is what flows back from all of `ys` together."""
    batch = merged_batch(env, [*ys, *seeds])
    total = None
    for y, seed in zip(ys, seeds, strict=True):
        weight = env.b.stop_gradient(spread(env, seed, batch, y.dims).ssa)
        product = env.b.mul(spread(env, y, batch, y.dims).ssa, weight)
        part = env.b.sum(product, range(len(batch), len(batch) + y.rank))
        total = part if total is None else env.b.add(total, part)
    assert total is not None
    return Tensor(total, batch=batch)


# ---- tangents and cotangents

_MEANING = {
    "tangent": "a tangent is the direction in which `wrt` moves, so it is like `wrt`",
    "cotangent": "a cotangent weights the elements of the value, so it is like the value",
}


@dataclass(frozen=True)
class Direction:
    """A tangent or cotangent, as `word` says, that must be like the value at `of`."""

    env: Env
    word: str
    arg: tree.Arg
    of: tree.Arg

    def tensors(self, model: Value) -> list[Tensor]:
        """Its tensors, which are those of `model` in type and structure. Raises E0406."""
        name = self.env.frame.module.text_of(walk.unparen(self.of.value).span)
        return list(self._matched(value_of(self.env, self.arg), model, name))

    def _matched(self, value: Value, model: Value, name: str) -> Iterator[Tensor]:
        match model, value:
            case TupleOf(items=wanted), TupleOf(items=items) if len(wanted) == len(items):
                for item, one in zip(items, wanted, strict=True):
                    yield from self._matched(item, one, name)
            case Record(fields=fields), Record(fields=given) if list(fields) == list(given):
                for field, one in fields.items():
                    yield from self._matched(given[field], one, f"{name}.{field}")
            case Tensor(), Tensor() | Number() | SizeOf() | Open():
                yield self._of_type(value, model, name)
            case _:
                raise self._unlike(value, model, name, "has other parts")

    def _of_type(self, value: Numeric, model: Tensor, name: str) -> Tensor:
        env = self.env
        if len(value.dims) != model.rank or not all(map(env.same_size, value.dims, model.dims)):
            ones = f"{value.type} * ones(shape({name}))"
            help_ = [f"a number for each element: `{ones}`"] if isinstance(value, Number) else []
            raise self._unlike(value, model, name, "has another shape", help_)
        dtype = model.dtype
        if not adapts(value, dtype) or isinstance(value, Tensor) and value.dtype is not dtype:
            text = env.frame.module.text_of(self.arg.value.span)
            help_ = [f"convert it: `{dtype}({text})`"]
            raise self._unlike(value, model, name, "has another dtype", help_)
        return env.fitted(env.tensor(value, dtype), model.dims)

    def _unlike(
        self, value: Value, model: Value, name: str, how: str, helps: Sequence[str] = ()
    ) -> Problem:
        shown, wanted = (article(v) for v in (value, model))
        return self.env.error(
            "E0406", f"the {self.word} {how} than `{name}`", self.arg.span,
            f"this is {shown}, `{name}` is {wanted}",
            labels=[declaration(model)], notes=[_MEANING[self.word]], helps=helps,
        )  # fmt: skip
