"""
Runs `linalg.generic`: its body on whole iteration spaces, not element by element.

Operands are brought to arrays with one axis for each loop, of size 1 where they do not depend
on it; the body's lines then broadcast. Reductions keep the order that the language defines.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
)

from irc.dialects.nd.arrays import tree_reduce
from irc.execution import numerics
from irc.execution.memory import element

Array = np.ndarray
Body = Callable[..., tuple[Any, ...]]


class GenericError(Exception):
    """The op makes no sense for the operands at hand."""


@dataclass(frozen=True)
class Fold:
    """
    How one result is reduced.

    combine   of two values, on arrays
    ordered   the language defines the order; identity starts it
    product   the term comes as two factors, to be contracted in any order
    """

    combine: Callable[[Any, Any], Any]
    ordered: bool = False
    identity: float = 0.0
    product: bool = False


@dataclass(frozen=True)
class Generic:
    """
    One op, apart from its operands.

    maps      an indexing map for each input, then for each output
    reduces   whether each loop is a reduction
    folds     for each result, its fold; None where it stores what the body gives
    body      (indices, inputs, outputs) -> what to store or the terms to fold
    how       map, fold, steps (reduction loops one by one) or points (every loop)
    in_memory the outputs are memrefs, written in place
    bf16      for each operand, whether memory holds bits
    """

    maps: tuple[AffineMap, ...]
    reduces: tuple[bool, ...]
    folds: tuple[Fold | None, ...]
    how: str
    in_memory: bool
    bf16: tuple[bool, ...]

    def __call__(self, body: Body, ins: Sequence[Array], outs: Sequence[Array]) -> list[Array]:
        """The results; none in memory."""
        extents = self._extents([*ins, *outs])
        if self.in_memory:
            self._check_overlap(ins, outs, extents)
        values = [bf16_load(x) if b else x for x, b in zip([*ins, *outs], self.bf16, strict=True)]
        inputs, inits = values[: len(ins)], values[len(ins) :]
        run = {"map": self._map, "fold": self._fold, "steps": self._steps, "points": self._points}
        results = run[self.how](body, inputs, inits, extents)
        if not self.in_memory:
            return results
        for out, result, bits in zip(outs, results, self.bf16[len(ins) :], strict=True):
            out[...] = numerics.bf16_bits(result) if bits else result
        return []

    # -- iteration space

    def _extents(self, operands: Sequence[Array]) -> list[int]:
        extents: list[int | None] = [None] * len(self.reduces)
        for number, (m, x) in enumerate(zip(self.maps, operands, strict=True)):
            if len(m.results) != x.ndim:
                raise GenericError(
                    f"operand {number} has rank {x.ndim}, its map {len(m.results)} results"
                )
            for axis, e in enumerate(m.results):
                if not isinstance(e, AffineDimExpr):
                    continue
                size, known = x.shape[axis], extents[e.position]
                if known is not None and known != size:
                    raise GenericError(
                        f"loop {e.position} has {known} steps, but axis {axis} of operand "
                        f"{number} has size {size}"
                    )
                extents[e.position] = size
        found = [n for n in extents if n is not None]
        if len(found) < len(extents):
            raise GenericError(f"no operand gives the size of loop {extents.index(None)}")
        return found

    def _spread(self, number: int, x: Array, extents: Sequence[int]) -> Array:
        """Operand `number` with one axis for each loop."""
        results = self.maps[number].results
        dims = [e.position if isinstance(e, AffineDimExpr) else None for e in results]
        if all(d is None or dims.count(d) == 1 for d in dims):
            pick = tuple(
                slice(None) if d is not None else self._offset(e, x.shape[axis])
                for axis, (d, e) in enumerate(zip(dims, results, strict=True))
            )
            if all(isinstance(p, (slice, int)) for p in pick):
                kept = [d for d in dims if d is not None]
                view = x[(*pick, ...)].transpose(sorted(range(len(kept)), key=kept.__getitem__))
                shape = [extents[d] if d in kept else 1 for d in range(len(extents))]
                return np.asarray(view).reshape(shape)
        grid = indices(extents)
        places = [np.asarray(_evaluate(e, grid)) for e in results]
        for axis, place in enumerate(places):
            if place.size and not 0 <= place.min() <= place.max() < x.shape[axis]:
                raise GenericError(
                    f"operand {number} is read at {place.min()} to {place.max()}, outside axis "
                    f"{axis} of size {x.shape[axis]}"
                )
        return np.asarray(x[tuple(places)]).reshape(
            np.broadcast_shapes((1,) * len(extents), *(p.shape for p in places))
        )

    @staticmethod
    def _offset(e: AffineExpr, size: int) -> int | None:
        """A constant index into an axis; None for anything else, which takes the long way."""
        inside = isinstance(e, AffineConstantExpr) and 0 <= e.value < size
        return e.value if inside else None  # type: ignore[attr-defined]

    def _out_dims(self, number: int, inputs: int) -> list[int]:
        dims = []
        for e in self.maps[inputs + number].results:
            if not isinstance(e, AffineDimExpr) or e.position in dims:
                raise GenericError(f"the map of output {number} is no projected permutation")
            dims.append(e.position)
        return dims

    def _store(self, y: Any, dims: Sequence[int], extents: Sequence[int], dtype: Any) -> Array:
        """A value over the loops as an array over the output's axes."""
        y = np.asarray(y)
        if y.dtype != dtype:
            raise GenericError(f"the body gives {y.dtype} for an output of {dtype}")
        shape = [extents[d] if d in dims else 1 for d in range(len(extents))]
        if y.ndim:
            keep = [slice(None) if d in dims else slice(-1, None) for d in range(len(extents))]
            y = y[tuple(keep)]
        full = np.broadcast_to(y, shape)
        order = list(dims) + [d for d in range(len(extents)) if d not in dims]
        return np.array(full.transpose(order).reshape([extents[d] for d in dims]), order="C")

    def _check_overlap(
        self, ins: Sequence[Array], outs: Sequence[Array], extents: Sequence[int]
    ) -> None:
        """In place means: each element is read where it is written."""
        for n, x in enumerate(ins):
            for k, out in enumerate(outs):
                if not np.may_share_memory(x, out):
                    continue
                a = self._spread(n, x, extents)
                b = self._spread(len(ins) + k, out, extents)
                same = a.__array_interface__["data"] == b.__array_interface__["data"]
                steps = [
                    (a.strides[d], b.strides[d]) if extents[d] > 1 else (0, 0)
                    for d in range(len(extents))
                ]
                full = all(a.shape[d] == b.shape[d] for d in range(len(extents)))
                if not (same and full and all(s == t for s, t in steps)):
                    raise GenericError(
                        f"output {k} overwrites elements of input {n} that other steps read"
                    )

    # -- ways to run

    def _map(
        self, body: Body, ins: Sequence[Array], inits: Sequence[Array], extents: Sequence[int]
    ) -> list[Array]:
        """No reductions: the body once, over everything."""
        operands = [self._spread(k, x, extents) for k, x in enumerate([*ins, *inits])]
        values = body(indices(extents), operands[: len(ins)], operands[len(ins) :])
        return [
            self._store(y, self._out_dims(k, len(ins)), extents, out.dtype)
            for k, (y, out) in enumerate(zip(values, inits, strict=True))
        ]

    def _fold(
        self, body: Body, ins: Sequence[Array], inits: Sequence[Array], extents: Sequence[int]
    ) -> list[Array]:
        """The terms over everything, then each fold along the loops its output lacks."""
        operands = [self._spread(k, x, extents) for k, x in enumerate([*ins, *inits])]
        terms = body(indices(extents), operands[: len(ins)], operands[len(ins) :])
        results = []
        for k, (term, fold, out) in enumerate(zip(terms, self.folds, inits, strict=True)):
            dims = self._out_dims(k, len(ins))
            if fold is None:
                results.append(self._store(term, dims, extents, out.dtype))
                continue
            reduced = [d for d in range(len(extents)) if d not in dims]
            if not all(extents[d] for d in reduced):
                results.append(out)
                continue
            if fold.product:
                a, b = term
                total = contract(a, b, dims, reduced, extents)
            else:
                full = np.broadcast_to(np.asarray(term), extents).transpose([*dims, *reduced])
                flat = full.reshape([extents[d] for d in dims] + [_count(reduced, extents)])
                total = fold_last(flat, fold)
            if total.dtype != out.dtype:
                raise GenericError(f"the body gives {total.dtype} for an output of {out.dtype}")
            results.append(np.asarray(fold.combine(out, total)))
        return results

    def _steps(
        self, body: Body, ins: Sequence[Array], inits: Sequence[Array], extents: Sequence[int]
    ) -> list[Array]:
        """Reduction loops one step after the other, in order; the others at once."""
        dims = [self._out_dims(k, len(ins)) for k in range(len(inits))]
        operands = [self._spread(k, x, extents) for k, x in enumerate(ins)]
        accs = [self._spread(len(ins) + k, x, extents) for k, x in enumerate(inits)]
        loops = [range(n) if r else (None,) for n, r in zip(extents, self.reduces, strict=True)]
        grid = indices(extents)
        stepwise = [any(self.reduces[d] for d in own) for own in dims]
        accs = [np.array(acc) if each else acc for acc, each in zip(accs, stepwise, strict=True)]
        for step in itertools.product(*loops):
            now = [_at(x, step) for x in operands]
            here = [_at(i, step) for i in grid]
            # An output over a reduction loop is written at this step only.
            parts = [_at(acc, step) for acc in accs]
            for k, y in enumerate(body(here, now, parts)):
                if np.asarray(y).dtype != inits[k].dtype:
                    raise GenericError(
                        f"the body gives {np.asarray(y).dtype} for an output of {inits[k].dtype}"
                    )
                if stepwise[k]:
                    _at(accs[k], step)[...] = y
                else:
                    accs[k] = np.broadcast_to(y, parts[k].shape)
        return [
            self._store(acc, d, extents, out.dtype)
            for acc, d, out in zip(accs, dims, inits, strict=True)
        ]

    def _points(
        self, body: Body, ins: Sequence[Array], inits: Sequence[Array], extents: Sequence[int]
    ) -> list[Array]:
        """Every loop step by step: for bodies with control flow."""
        results = [np.array(x) for x in inits]
        for point in itertools.product(*(range(n) for n in extents)):
            places = [tuple(_evaluate(e, point) for e in m.results) for m in self.maps]
            now = [element(x, *at) for x, at in zip(ins, places, strict=False)]
            targets = places[len(ins) :]
            before = [element(r, *at) for r, at in zip(results, targets, strict=True)]
            values = body(point, now, before)
            for r, at, y in zip(results, targets, values, strict=True):
                r[at] = y
        return results


def bf16_load(x: Array) -> Array:
    """bf16 bits in memory as the float32 values that the executor computes with."""
    return np.asarray(numerics.bf16_value(x)) if x.dtype == np.uint16 else x


def indices(extents: Sequence[int]) -> list[Array]:
    """For each loop its steps, along its axis."""
    rank = len(extents)
    return [
        np.arange(n).reshape([n if k == d else 1 for k in range(rank)])
        for d, n in enumerate(extents)
    ]


def fold_last(x: Array, fold: Fold) -> Array:
    """Reduces the last axis, which is not empty."""
    if fold.ordered:
        ufunc = np.add if fold.identity == 0.0 else np.multiply
        return tree_reduce(x, ufunc, fold.identity)
    while x.shape[-1] > 1:
        half = x.shape[-1] // 2
        pairs = fold.combine(x[..., :half], x[..., half : 2 * half])
        x = np.concatenate([pairs, x[..., 2 * half :]], axis=-1)
    return x[..., 0]


def contract(
    a: Any, b: Any, kept: Sequence[int], summed: Sequence[int], extents: Sequence[int]
) -> Array:
    """The sum of a * b over loops, f32 in f64: the order is free, so the best answer will do."""
    dtype = np.result_type(a, b)
    wide = np.float64 if dtype in (np.float16, np.float32) else dtype
    rank = len(extents)
    parts, count = [], 1
    for x in (a, b):
        x = np.asarray(x).astype(wide)
        x = x.reshape([1] * (rank - x.ndim) + list(x.shape))
        axes = [d for d in range(rank) if x.shape[d] > 1 or extents[d] == x.shape[d] == 0]
        parts.append((x.reshape([x.shape[d] for d in axes]), axes))
    used = {d for _, axes in parts for d in axes}
    for d in summed:
        if d not in used:
            count *= extents[d]  # the same product that many times
    (x, xs), (y, ys) = parts
    order = [d for d in kept if d in used]
    total = np.einsum(x, xs, y, ys, order, optimize=True) * np.dtype(wide).type(count)
    shape = [extents[d] if d in used else 1 for d in kept]
    full = np.broadcast_to(total.reshape(shape), [extents[d] for d in kept])
    return np.array(full.astype(dtype))


def _count(dims: Sequence[int], extents: Sequence[int]) -> int:
    return int(np.prod([extents[d] for d in dims], dtype=np.int64))


def _at(x: Array, step: Sequence[int | None]) -> Array:
    """The part of x at one step of the reduction loops, axes kept."""
    pick = []
    for n, s in zip(x.shape, step, strict=True):
        pick.append(slice(None) if s is None else slice(0, 1) if n == 1 else slice(s, s + 1))
    return x[tuple(pick)]


def _evaluate(e: AffineExpr, point: Sequence[Any]) -> Any:
    """An affine expression at a point, or at arrays of points."""
    match e:
        case AffineDimExpr():
            return point[e.position]
        case AffineConstantExpr():
            return e.value
        case AffineBinaryOpExpr(kind=kind, lhs=lhs, rhs=rhs):
            x, y = _evaluate(lhs, point), _evaluate(rhs, point)
            match kind:
                case AffineBinaryOpKind.Add:
                    return x + y
                case AffineBinaryOpKind.Mul:
                    return x * y
                case AffineBinaryOpKind.Mod:
                    return x % y
                case AffineBinaryOpKind.FloorDiv:
                    return x // y
                case AffineBinaryOpKind.CeilDiv:
                    return -(-x // y)
    raise GenericError(f"{e} in an indexing map")
