"""
Random recurrences: programs of the language, and what a loop in Python makes of them.

The right sides of equations are text that means the same in both languages; the reference
evaluates it step by step with the values of earlier times in lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

DTYPES = {"f32": np.float32, "f64": np.float64, "i32": np.int32, "i64": np.int64}
FUNCTIONS: dict[str, Callable[..., Any]] = {"tanh": np.tanh, "sum": np.sum, "where": np.where}


@dataclass
class Equation:
    name: str
    text: str


@dataclass
class Let:
    name: str
    text: str


@dataclass
class Inner:
    """A scan inside, whose equations can be read behind it."""

    scan: Scan


@dataclass
class Scan:
    """
    inits   by name: how many times before the first step, and the text of their values
    items   in an order in which each needs only what stands before
    shown   the order of the source
    """

    index: str
    count: str
    inits: dict[str, tuple[int, str]] = field(default_factory=dict)
    items: list[Equation | Let | Inner] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)

    def lines(self) -> list[str]:
        found = [f"scan {self.index} < {self.count} {{"]
        for name, (depth, text) in self.inits.items():
            times = f"-{depth}:0" if depth > 1 else "-1"
            found.append(f"    init {name}[{times}] = {text}")
        for k in self.shown:
            item = self.items[k]
            match item:
                case Equation(name, text):
                    found.append(f"    {name}[{self.index}] = {text}")
                case Let(name, text):
                    found.append(f"    let {name} = {text}")
                case Inner(scan):
                    found += [f"    {line}" for line in scan.lines()]
        return [*found, "}"]


@dataclass
class Program:
    """A function `f` of tensors, whose results are the values of all steps."""

    text: str
    params: dict[str, str]  # sizes of each, as text
    inputs: list[np.ndarray]
    expected: list[np.ndarray]

    def derived(self) -> str:
        """The program with a function `g`: a weighted sum of all results, and its gradients."""
        header = ", ".join(f"{name}: f64[{dims}]" for name, dims in self.params.items())
        names = ", ".join(self.params)
        count = len(self.expected)
        results = [f"r{k}" for k in range(count)]
        terms = " + ".join(f"sum({r} * {0.5 + k})" for k, r in enumerate(results))
        types = ", ".join(["f64", *(f"f64[{dims}]" for dims in self.params.values())])
        given = ", ".join(f'grad(c, wrt={n}, disconnected="zero")' for n in self.params)
        return self.text.replace("export def f", "def f", 1) + (
            f"export def g({header}) -> ({types}) {{\n"
            f"    let {', '.join(results)} = f({names})\n    let c = {terms}\n"
            f"    return c, {given}\n}}\n"
        )


class Times:
    """Values by time: those before the first step, then those of the steps so far."""

    def __init__(self, before: Sequence[Any], values: Sequence[Any] = ()) -> None:
        self.values = [*before, *values]
        self.depth = len(before)

    def __getitem__(self, t: Any) -> Any:
        t, rest = t if isinstance(t, tuple) else (t, None)
        assert t + self.depth >= 0, "a time before the beginning"
        value = self.values[t + self.depth]
        return value if rest is None else value[rest]


def run(scan: Scan, names: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, Any]:
    """The names of a scan behind it."""
    local: dict[str, Any] = dict(names)
    count = sizes[scan.count]
    own = [item.name for item in scan.items if isinstance(item, Equation)]
    for name, (depth, text) in scan.inits.items():
        before = evaluate(text, names)
        rows = list(before) if depth > 1 else [before]
        local[name] = Times(rows, () if name in own else names[name])
    local |= {name: Times(()) for name in own if name not in scan.inits}
    for t in range(count):
        local[scan.index] = t
        for item in scan.items:
            match item:
                case Equation(name, text):
                    local[name].values.append(evaluate(text, local))
                case Let(name, text):
                    local[name] = evaluate(text, local)
                case Inner(inner):
                    local |= run(inner, local, sizes)
    return {name: local[name].values[local[name].depth :] for name in own}


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    return eval(text, {"__builtins__": {}}, {**FUNCTIONS, **names})


# -- making them


@dataclass
class Maker:
    rng: Random
    dtype: str
    vector: bool
    sizes: dict[str, int]
    serial: int = 0

    def program(self) -> Program:
        """A scan over `T` steps, perhaps with another inside."""
        dims = "n" if self.vector else ""
        params = {"u": f"T, {dims}".rstrip(", "), "w": f"T + 2, {dims}".rstrip(", ")}
        arrays = {name: self.array(self.shape(d)) for name, d in params.items()}
        scan = self.scan("t", "T", params, arrays, ["u", "w"], depth=1)
        names: dict[str, Any] = {**arrays, **self.sizes}
        behind = run(scan, names, self.sizes)
        results = [item.name for item in scan.items if isinstance(item, Equation)]
        returned = [f"{self.dtype}[{params['u']}]"] * len(results)
        header = ", ".join(f"{name}: {self.dtype}[{d}]" for name, d in params.items())
        body = "\n".join(f"    {line}" for line in scan.lines())
        text = (
            f"const S = {self.sizes['S']}\n"
            f"export def f({header}) -> ({', '.join(returned)}) {{\n{body}\n"
            f"    return {', '.join(results)}\n}}\n"
        )
        shape = self.shape(params["u"])
        made = [np.asarray(behind[r], DTYPES[self.dtype]).reshape(shape) for r in results]
        return Program(text, params, list(arrays.values()), made)

    def shape(self, dims: str) -> tuple[int, ...]:
        return tuple(eval(d, {}, dict(self.sizes)) for d in dims.split(",") if d.strip())

    def array(self, shape: tuple[int, ...]) -> np.ndarray:
        rng = np.random.default_rng(self.rng.randrange(1 << 30))
        if self.dtype[0] == "i":
            return rng.integers(-9, 10, shape).astype(DTYPES[self.dtype])
        return rng.normal(size=shape).astype(DTYPES[self.dtype])

    def scan(
        self, t: str, count: str, params: dict[str, str], arrays: dict[str, np.ndarray],
        around: list[str], depth: int,
    ) -> Scan:  # fmt: skip
        """`around` are atoms of the value's shape from outside."""
        rng, scan = self.rng, Scan(t, count)
        names = [self.name("x") for _ in range(rng.randint(1, 3))]
        taps = {name: rng.randint(0, 3) for name in names}
        for name in names:
            if taps[name]:
                scan.inits[name] = taps[name], self.parameter(params, arrays, taps[name])
        before = rng.randint(0, 2) if depth else 0
        if before:
            scan.inits["u"] = before, self.parameter(params, arrays, before)
        atoms = [f"{name}[{t}-{k}]" for name in names for k in range(1, taps[name] + 1)]
        if depth:
            atoms += [
                f"u[{t}]",
                f"w[{t}+{rng.randint(1, 2)}]",
                f"w[T - 1 - {t}]",
                f"u[{t}-{before}]",
            ]
        else:
            atoms += [a for a in around if "[" in a]
        for name in names:
            if rng.random() < 0.4:
                scan.items.append(Let(self.name("a"), self.expression(t, atoms)))
                atoms.append(scan.items[-1].name)
            if depth and rng.random() < 0.3:
                inner = self.scan("s", "S", params, arrays, atoms, 0)
                scan.items.append(Inner(inner))
                last = next(i.name for i in inner.items if isinstance(i, Equation))
                atoms += [f"{last}[-1]", f"{last}[0]"]
            scan.items.append(Equation(name, self.expression(t, atoms)))
            atoms.append(f"{name}[{t}]")
        scan.shown = self.shuffled(scan.items)
        return scan

    def shuffled(self, items: Sequence[Equation | Let | Inner]) -> list[int]:
        """Equations stand anywhere below what binds a name that they read."""
        order = [k for k, item in enumerate(items) if not isinstance(item, Equation)]
        for k, item in enumerate(items):
            if not isinstance(item, Equation):
                continue
            needed = [0]
            for place, other in enumerate(order):
                names = bound(items[other])
                if any(f"{name}[" in item.text or f"{name} " in f"{item.text} " for name in names):
                    needed.append(place + 1)
            order.insert(self.rng.randint(max(needed), len(order)), k)
        return order

    def parameter(self, params: dict[str, str], arrays: dict[str, np.ndarray], rows: int) -> str:
        """A new parameter with the values of so many times."""
        name = self.name("p")
        parts = ([str(rows)] if rows > 1 else []) + (["n"] if self.vector else [])
        params[name] = ", ".join(parts)
        arrays[name] = self.array(self.shape(params[name]))
        return name

    def name(self, letter: str) -> str:
        self.serial += 1
        return f"{letter}{self.serial}"

    def expression(self, t: str, atoms: Sequence[str]) -> str:
        """Bounded, so that no step makes more of an error than it was given."""
        rng = self.rng
        picked = [rng.choice(atoms) for _ in range(rng.randint(1, 4))]
        if self.dtype[0] == "i":
            terms = [f"{rng.randint(-3, 3)} * {a}" for a in picked]
            whole = " + ".join([*terms, rng.choice([t, f"2 * {t} - 1", "1"])])
            return f"({whole}) % {rng.choice([7, 31, 97])}"
        terms = [f"{rng.choice([-0.3, 0.2, 0.25])} * {a}" for a in picked]
        whole = " + ".join([*terms, rng.choice([f"0.1 * {t}", "0.5", f"{picked[0]} * 0.2"])])
        return rng.choice([f"tanh({whole})", f"0.5 * ({whole})"])


def bound(item: Equation | Let | Inner) -> list[str]:
    """The names that are known below a statement only."""
    match item:
        case Let(name):
            return [name]
        case Inner(scan):
            return [i.name for i in scan.items if isinstance(i, Equation)]
    return []


def random_program(seed: int, steps: int, dtype: str) -> Program:
    """The program of a seed: `steps` of time, 3 numbers or one in a value, 2 steps inside."""
    rng = Random(seed)
    vector = rng.random() < 0.5
    return Maker(rng, dtype, vector, {"T": steps, "S": 2, "n": 3}).program()
