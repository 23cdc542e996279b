"""Whether two outcomes agree, and the first pass after which they do not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from irc.abi import INIT_FUNCTION, RNG_STATE, FunctionSpec
from irc.dialects import nd, rt
from irc.dialects.verify import walk
from irc.errors import IrcError
from irc.execution.inputs import random_inputs, random_state
from irc.execution.outcome import Outcome
from irc.execution.program import Program
from irc.execution.scalars import ELEMENTARY
from irc.execution.values import BF16, element_type

# Of the element, or of the largest element of the tensor that is not HUGE, for results that are
# defined up to rounding only: products, whose order of summation is free, and elementary functions.
TOLERANCE = {"float64": 1e-10, "float32": 2e-5, "float16": 1e-2}
TOLERANCE_BF16 = 5e-2
HUGE = 1e6

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf)", re.IGNORECASE)


@dataclass(frozen=True)
class Mismatch:
    """
    The first pass that changes what a program does.

    seed   of the inputs that show it
    what   function, output, element and both values, or the error of the executor
    """

    pass_name: str
    function: str
    seed: int
    what: str

    def __str__(self) -> str:
        return f"pass `{self.pass_name}` changes @{self.function} (seed {self.seed}): {self.what}"


def compare_passes(
    ctx: Context,
    module: ModuleOp,
    passes: Iterable[ModulePass],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    special: bool = False,
    after: Callable[[ModulePass], None] | None = None,
) -> Mismatch | None:
    """
    Runs every function before and after each pass and gives the first difference.

    The module is changed, as by the passes alone, up to the pass that is at fault.

    seeds     one run for each, with its own sizes and values; see `random_inputs`
    special   inputs hold NaN, infinities and other extremes
    after     called after each pass that changed nothing, as to print the IR

    While there is an `nd.grad` or `nd.jvp`, which nothing but its expansion defines, passes run
    unchecked.

    Raises ExecutionError when the module cannot be run before the first pass.
    """
    known = _Known.of(module, seeds, special)
    for p in passes:
        p.apply(ctx, module)
        if known is None:
            known = _Known.of(module, seeds, special)
        elif isinstance(found := known.after(p, module), Mismatch):
            return found
        else:
            known = found
        if after is not None:
            after(p)
    return None


@dataclass(frozen=True)
class _Known:
    """What the functions did before the next pass, and what their results may differ in."""

    declared: Mapping[str, FunctionSpec]
    runs: list[tuple[_Trial, Outcome]]
    tolerance: Tolerance

    @staticmethod
    def of(module: ModuleOp, seeds: Sequence[int], special: bool) -> _Known | None:
        """The start; None while the module has no meaning of its own."""
        if any(isinstance(op, nd.GradOp | nd.JvpOp) for op in walk(module)):
            return None
        program = Program(module)
        declared = {f: program.signature(f).spec for f in program.functions}
        trials = _trials(program, declared, seeds, special)
        return _Known(declared, [(t, t.run(program)) for t in trials], tolerance_of(module))

    def after(self, p: ModulePass, module: ModuleOp) -> _Known | Mismatch:
        """The same calls again."""
        tolerance = tolerance_of(module)
        runs: list[tuple[_Trial, Outcome]] = []
        where, seed = "*", 0
        try:
            program = Program(module, self.declared)
            for trial, before in self.runs:
                where, seed = trial.function, trial.seed
                if where not in program.functions:
                    return Mismatch(p.name, where, seed, "the function is gone")
                outcome = trial.run(program)
                allowed = self.tolerance | tolerance
                what = difference(before, outcome, allowed, self.declared[where])
                if what is not None:
                    return Mismatch(p.name, where, seed, what)
                runs.append((trial, outcome))
        except IrcError as error:
            return Mismatch(p.name, where, seed, str(error))
        return _Known(self.declared, runs, tolerance)


@dataclass(frozen=True)
class _Trial:
    """One call with given inputs."""

    function: str
    seed: int
    inputs: list[np.ndarray]
    state: dict[str, np.ndarray]

    def run(self, program: Program) -> Outcome:
        state = {n: v for n, v in self.state.items() if n in program.states}
        return program.run(self.function, self.inputs, state)


def _trials(
    program: Program, declared: Mapping[str, FunctionSpec], seeds: Sequence[int], special: bool
) -> Iterable[_Trial]:
    """
    For each public function, the initialisers too, and each seed a call that succeeds, where
    smaller integers make it so, and also the one that failed.
    """
    shapes = {n: (program.state_shape(n), program.state_dtype(n)) for n in program.states}
    for function, op in program.functions.items():
        private = op.sym_visibility is not None and op.sym_visibility.data == "private"
        if private and function != INIT_FUNCTION:
            continue
        for seed in seeds:
            state = random_state(shapes, seed)
            if RNG_STATE in state:
                state[RNG_STATE][...] = (seed, 7)
            for largest in (7, 2, 0):
                inputs = random_inputs(
                    declared[function], seed, special=special, largest_int=largest
                )
                trial = _Trial(function, seed, inputs, state)
                yield trial
                if function == INIT_FUNCTION or trial.run(program).failure is None:
                    break


# -- two outcomes


@dataclass(frozen=True)
class Tolerance:
    """
    How far numbers may be apart.

    inexact    products or elementary functions were computed: TOLERANCE, else equal bits
    products   sums may overflow on the way, so what is not finite is not told apart
    bf16       some float32 arrays hold bf16 numbers
    """

    inexact: bool = False
    products: bool = False
    bf16: bool = False

    def __or__(self, other: Tolerance) -> Tolerance:
        return Tolerance(
            self.inexact or other.inexact,
            self.products or other.products,
            self.bf16 or other.bf16,
        )

    def of(self, dtype: np.dtype) -> float:
        if not self.inexact or dtype.kind != "f":
            return 0.0
        return TOLERANCE_BF16 if self.bf16 and dtype.itemsize == 4 else TOLERANCE[dtype.name]


EXACT = Tolerance()


def difference(
    a: Outcome,
    b: Outcome,
    tolerance: Tolerance = EXACT,
    function: FunctionSpec | None = None,
) -> str | None:
    """
    The first difference between two outcomes in words; None when they agree.

    NaN equals NaN whatever its bits; -0 and +0 differ unless inexact. Integers are compared by
    their bits, as signless levels do not tell their sign.
    """
    if (a.failure is None) != (b.failure is None):
        first, second = (o.failure.message if o.failure else "success" for o in (a, b))
        return f"{first} before, {second} after"
    if a.failure is not None and b.failure is not None:
        if (a.failure.kind, _exactly(a.failure.message, tolerance)) != (
            b.failure.kind,
            _exactly(b.failure.message, tolerance),
        ):
            return f"failure {a.failure} before, {b.failure} after"
    return (
        _difference_of_prints(a.prints, b.prints, tolerance)
        or _difference_of_results(a, b, tolerance, function)
        or _difference_of_state(a, b, tolerance)
    )


def _exactly(text: str, tolerance: Tolerance) -> str:
    """Texts with numbers are compared without them where numbers may differ a little."""
    return _NUMBER.sub("#", text) if tolerance.inexact else text


def _difference_of_prints(a: list[str], b: list[str], tolerance: Tolerance) -> str | None:
    if len(a) != len(b):
        return f"{len(a)} lines printed before, {len(b)} after"
    for number, (x, y) in enumerate(zip(a, b, strict=True)):
        if _exactly(x, tolerance) != _exactly(y, tolerance):
            return f"printed line {number} is {x!r} before, {y!r} after"
    return None


def _difference_of_results(
    a: Outcome, b: Outcome, tolerance: Tolerance, function: FunctionSpec | None
) -> str | None:
    if len(a.results) != len(b.results):
        return f"{len(a.results)} results before, {len(b.results)} after"
    for number, (x, y) in enumerate(zip(a.results, b.results, strict=True)):
        name = f"result {number}"
        if function is not None and number < len(function.results):
            named = function.results[number].name
            name += f" `{named}`" if named else ""
        if what := _difference_of_arrays(x, y, tolerance):
            return f"{name}{what}"
    return None


def _difference_of_state(a: Outcome, b: Outcome, tolerance: Tolerance) -> str | None:
    if a.state.keys() != b.state.keys():
        changed = min(a.state.keys() ^ b.state.keys())
        return f"state `{changed}` exists before or after only"
    for name, x in a.state.items():
        if what := _difference_of_arrays(x, b.state[name], tolerance):
            return f"state `{name}`{what}"
    return None


def _difference_of_arrays(x: np.ndarray, y: np.ndarray, tolerance: Tolerance) -> str | None:
    """The rest of a sentence that starts with what the arrays are."""
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape:
        return f" has shape {list(x.shape)} before, {list(y.shape)} after"
    if x.dtype != y.dtype:
        if {x.dtype.kind, y.dtype.kind} != {"i", "u"} or x.dtype.itemsize != y.dtype.itemsize:
            return f" is {x.dtype} before, {y.dtype} after"
        y = np.asarray(y.view(x.dtype))
    wrong = _wrong(x, y, tolerance.of(x.dtype), tolerance.products)
    if not wrong.any():
        return None
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = f", element {list(at)}" if at else ""
    count = int(wrong.sum())
    more = f"; {count} of {x.size} elements differ" if count > 1 else ""
    return f"{place}: {x[at]} before, {y[at]} after{more}"


def _wrong(x: np.ndarray, y: np.ndarray, tolerance: float, products: bool) -> np.ndarray:
    if x.dtype.kind != "f":
        return np.asarray(x != y)
    with np.errstate(all="ignore"):
        both_nan = np.isnan(x) & np.isnan(y)
        if not tolerance:
            bits = np.dtype(f"u{x.dtype.itemsize}")
            same = np.ascontiguousarray(x).view(bits) == np.ascontiguousarray(y).view(bits)
            return np.asarray(~(both_nan | same.reshape(x.shape)))
        wide_x, wide_y = x.astype(np.float64), y.astype(np.float64)
        size = np.abs(wide_x)
        ordinary = size[size <= HUGE]
        scale = max(1.0, float(ordinary.max())) if ordinary.size else 1.0
        close = np.abs(wide_x - wide_y) <= tolerance * np.maximum(size, scale)
        close &= np.isfinite(wide_x)
        if products:
            close |= ~np.isfinite(wide_x) & ~np.isfinite(wide_y)
        return np.asarray(~(both_nan | (wide_x == wide_y) | close))


# -- what may differ


def tolerance_of(module: ModuleOp) -> Tolerance:
    """What the results of a module may differ in, by the ops that it has."""
    kinds: dict[type, bool] = {}
    inexact = products = bf16 = False
    for op in walk(module):
        cls = type(op)
        known = kinds.get(cls)
        if known is None:
            known = kinds[cls] = cls in ELEMENTARY or cls is rt.SpecialOp or _is_inexact_nd(cls)
        inexact |= known
        products |= cls in (nd.DotOp, nd.ConvOp) or "irc.contraction" in op.attributes
        bf16 = bf16 or any(element_type(v.type) == BF16 for v in (*op.operands, *op.results))
    return Tolerance(inexact or products, products, bf16)


def _is_inexact_nd(cls: type) -> bool:
    return issubclass(cls, nd.ElementwiseOp) and cls.SCALAR.inexact
