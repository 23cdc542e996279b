"""
Random programs with scans and loops in which states of several shapes and dtypes read each other.

    program = random_program(seed, steps=50, floats=("f32", "f64"))
    program.text()          a function `f` of the language
    program.expected()      what NumPy makes of its steps, one after the other
    program.gradients(...)  a function `f` that gives a cost and its gradients
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
from stepwise import (
    DTYPES,
    At,
    Behind,
    Column,
    Equation,
    Expr,
    InNumPy,
    InText,
    Kind,
    Let,
    Loop,
    Plain,
    Read,
    Row,
    Scan,
    Time,
    Walk,
    bound,
)

SHAPES: tuple[tuple[str, ...], ...] = ((), ("n",), ("n",), ("2", "n"))
Atom = tuple[Read, Kind]
FLAG = Kind("bool")
OFTEN = 4  # what a body makes is read so much more often than what it is given


@dataclass
class Program:
    """
    sizes    T steps, S steps inside, n
    body     scans and loops, one after the other
    results  names of equations, and whether all steps are returned or the last
    """

    sizes: dict[str, int]
    params: dict[str, Kind] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    body: list[Scan | Loop] = field(default_factory=list)
    results: list[tuple[str, Kind, bool]] = field(default_factory=list)
    checkpoint: bool = False

    @property
    def inputs(self) -> list[np.ndarray]:
        return list(self.arrays.values())

    def shape(self, kind: Kind) -> tuple[int, ...]:
        return tuple(eval(size, {}, dict(self.sizes)) for size in kind.dims)

    @property
    def gives(self) -> list[Kind]:
        return [kind.stacked("T") if whole else kind for _, kind, whole in self.results]

    def text(self) -> str:
        return f"const S = {self.sizes['S']}\n" + self._function("export def f", self._loops())

    def _function(self, head: str, lines: Sequence[str], where: bool = True) -> str:
        params = ", ".join(f"{name}: {kind}" for name, kind in self.params.items())
        gives = ", ".join(map(str, self.gives))
        fact = self.fact if where else ""
        body = "\n".join(f"    {line}" for line in lines)
        return f"{head}({params}) -> ({gives}){fact} {{\n{body}\n}}\n"

    @property
    def fact(self) -> str:
        """What a last row needs."""
        return "" if all(whole for _, _, whole in self.results) else " where T > 0"

    def private(self) -> str:
        """The function `run`, for another that calls it."""
        mark = "@checkpoint\n" if self.checkpoint else ""
        return f"const S = {self.sizes['S']}\n" + self._function(f"{mark}def run", self._loops())

    def _loops(self) -> list[str]:
        names = [name if whole else f"{name}[-1]" for name, _, whole in self.results]
        lines = [line for item in self.body for line in item.lines()]
        return [*lines, f"return {', '.join(names)}"]

    def expected(self) -> list[np.ndarray]:
        walk = Walk(InNumPy(self.sizes), self.sizes)
        made = self._walked(walk, self.arrays)
        found = []
        for (name, kind, whole), given in zip(self.results, self.gives, strict=True):
            rows = [row for t, row in made[name].items() if t >= 0]  # type: ignore[attr-defined]
            value = rows if whole else rows[-1]
            found.append(np.asarray(value, DTYPES[kind.dtype]).reshape(self.shape(given)))
        return found

    def _walked(self, walk: Walk, params: object) -> dict[str, object]:
        names = dict(params)  # type: ignore[call-overload]
        for item in self.body:
            names |= walk.scan(item, names) if isinstance(item, Scan) else walk.loop(item, names)
        return names

    # -- derivatives

    @property
    def variables(self) -> list[str]:
        """What gradients are taken by: every parameter of floats."""
        return [name for name, kind in self.params.items() if kind.dtype[0] == "f"]

    @property
    def weighted(self) -> list[int]:
        """The results that the cost is made of."""
        return [k for k, kind in enumerate(self.gives) if kind.dtype[0] == "f"]

    def weights(self) -> list[np.ndarray]:
        """A weight for each element of the results that the cost is made of."""
        rng, expected = np.random.default_rng(7), self.expected()
        return [rng.normal(size=expected[k].shape) for k in self.weighted]

    def gradients(self, written_out: bool) -> str:
        """A function of the parameters and weights: the cost, and its gradient by `variables`."""
        if written_out:
            inner = "".join(f"const {name} = {n}\n" for name, n in self.sizes.items())
            inner += self._function("def run", self._steps(), where=False)
        else:
            inner = self.private()
        params = [f"{name}: {kind}" for name, kind in self.params.items()]
        params += [f"g{k}: {self.gives[k]}" for k in self.weighted]
        names = ", ".join(f"r{k}" for k in range(len(self.results)))
        cost = " + ".join(f"sum(r{k} * g{k})" for k in self.weighted)
        wrt = self.variables
        gives = ", ".join(["f64", *(str(self.params[name]) for name in wrt)])
        fact = "" if written_out else self.fact
        return (
            f"{inner}export def f({', '.join(params)}) -> ({gives}){fact} {{\n"
            f"    let {names} = run({', '.join(self.params)})\n"
            f"    let cost = {cost}\n"
            f"    let {', '.join(f'd_{name}' for name in wrt)} = "
            f'grad(cost, wrt=({", ".join(wrt)}), disconnected="zero")\n'
            f"    return cost, {', '.join(f'd_{name}' for name in wrt)}\n}}\n"
        )

    def _steps(self) -> list[str]:
        """The body without a loop."""
        machine = InText()
        made = self._walked(Walk(machine, self.sizes), {name: name for name in self.params})
        names = []
        for (name, _, whole), kind in zip(self.results, self.gives, strict=True):
            rows = [row for t, row in made[name].items() if t >= 0]  # type: ignore[attr-defined]
            if not whole:
                names.append(rows[-1])
            elif rows:
                names.append(machine.let(name, kind, f"stack([{', '.join(rows)}])"))
            else:
                zero = f"zeros([{', '.join(kind.dims)}])"
                zero = f"{zero} > 0" if kind.dtype == "bool" else zero
                names.append(machine.let(name, kind, zero))
        return [*machine.lines, f"return {', '.join(names)}"]


@dataclass
class Maker:
    """
    floats   dtypes of floats
    smooth   no comparison of floats, which a little noise turns round
    """

    rng: Random
    floats: Sequence[str]
    smooth: bool
    program: Program
    serial: int = 0

    def make(self) -> Program:
        program, rng = self.program, self.rng
        atoms = [
            (Plain(self.param(Kind(d, s))), Kind(d, s)) for d in self.floats for s in SHAPES[:2]
        ]
        kind = Kind(self.floats[0], rng.choice(SHAPES))
        made = [(At(self.param(kind.stacked("T")), "t"), kind)]  # which tells T
        for _ in range(rng.choice([1, 1, 2])):
            scan = self.scan("t", "T", atoms, made, depth=0)
            program.body.append(scan)
            made = [(At(name, "t"), kind) for name, kind in scan.equations.items()]
        last = program.body[-1]
        assert isinstance(last, Scan)
        for name, kind in last.equations.items():
            whole = program.sizes["T"] == 0 or rng.random() < 0.7
            program.results.append((name, kind, whole))
        program.checkpoint = rng.random() < 0.3
        return program

    # -- names and numbers

    def name(self, letter: str) -> str:
        self.serial += 1
        return f"{letter}{self.serial}"

    def param(self, kind: Kind, more: int = 0) -> str:
        """A new parameter; with `more`, its first size is as much more than the kind says."""
        name = self.name("p")
        dims = (f"{kind.dims[0]} + {more}", *kind.dims[1:]) if more else kind.dims
        self.program.params[name] = Kind(kind.dtype, dims)
        shape = self.program.shape(self.program.params[name])
        self.program.arrays[name] = values(kind.dtype, shape, self.rng)
        return name

    def kind(self) -> Kind:
        dtype = self.rng.choice([*self.floats, *self.floats, "i32", "bool"])
        return Kind(dtype, self.rng.choice(SHAPES))

    # -- bodies

    def scan(self, t: str, count: str, around: list[Atom], rows: list[Atom], depth: int) -> Scan:
        """
        around   what is known outside
        rows     what may be read at each time
        """
        rng, scan = self.rng, Scan(t, count)
        states = [(self.name("x"), self.kind()) for _ in range(rng.randint(1, 3 - depth))]
        if not any(kind.dtype[0] == "f" for _, kind in states):
            states.append((self.name("x"), Kind(rng.choice(self.floats), rng.choice(SHAPES))))
        atoms = [*around, *rows, (Time(t, "i32"), Kind("i32")), *self.sequences(t, count, scan)]
        for name, kind in states:
            taps = rng.choice([0, 1, 1, 2, 3, 4])
            if taps:
                scan.inits[name] = self.before(around, kind, taps, depth)
            atoms += [
                (At(name, t, -k), kind)
                for k in range(taps, 0, -1)
                if k == taps or rng.random() < 0.6
            ]
        for name, kind in states:
            if rng.random() < 0.3:
                let = Let(self.name("a"), self.expression(self.kind(), atoms))
                scan.items.append(let)
                atoms += OFTEN * [(Plain(let.name), let.value.kind)]
            if rng.random() < 0.2:
                loop = self.loop(atoms)
                scan.items.append(loop)
                atoms += OFTEN * [(Plain(n), first.kind) for n, first, _ in loop.carried]
            if depth < 2 and rng.random() < (0.35 if depth == 0 else 0.15):
                inner = self.scan("sr"[depth], "S", atoms, [], depth + 1)
                scan.items.append(inner)
                atoms += OFTEN * self.behind(inner)
            own = [atom for atom in atoms if isinstance(atom[0], At) and atom[0].name == name]
            scan.items.append(Equation(name, self.expression(kind, atoms + OFTEN * own)))
            atoms += OFTEN * [(At(name, t), kind)]
        if rng.random() < 0.25:
            scan.until = self.flag((), atoms)
        scan.shown = self.order(scan)
        return scan

    def sequences(self, t: str, count: str, scan: Scan) -> list[Atom]:
        """Parameters with a row for each time, read now, before, ahead and backwards."""
        rng, found = self.rng, list[Atom]()
        for _ in range(rng.randint(0, 2)):
            kind = self.kind()
            ahead = rng.choice([0, 0, 1, 2])
            name = self.param(kind.stacked(count), ahead)
            before = rng.choice([0, 0, 1, 4])
            if before:
                scan.inits[name] = self.before([], kind, before, 0)
            found += [(At(name, t, k), kind) for k in {0, ahead, -before}]
            if not ahead and rng.random() < 0.5:
                found.append((At(name, t, 0, count), kind))
        if rng.random() < 0.2:
            kind = Kind(rng.choice(self.floats), ("n", count))
            found.append((Column(self.param(kind), t), Kind(kind.dtype, ("n",))))
        return found

    def before(self, around: list[Atom], kind: Kind, rows: int, depth: int) -> list[Expr]:
        """Values before the first step: of one parameter, or each by itself."""
        if self.rng.random() < 0.5:
            name = self.param(kind.stacked(str(rows)))
            return [Expr("{0}", (Row(name, k),), kind) for k in range(rows)]
        if depth and self.rng.random() < 0.7:
            return [self.expression(kind, around) for _ in range(rows)]
        return [Expr("{0}", (Plain(self.param(kind)),), kind) for _ in range(rows)]

    def behind(self, scan: Scan) -> list[Atom]:
        """What can be read of a scan that has run."""
        ways = ["sum"] if self.program.sizes["S"] == 0 else ["-1", "0", "sum"]
        found = list[Atom]()
        for name, kind in scan.equations.items():
            how = self.rng.choice(ways if kind.dtype != "bool" else ways[:-1] or [""])
            if how:
                found.append((Behind(name, how), kind))
        return found

    def loop(self, atoms: list[Atom]) -> Loop:
        """Values that are carried a few times, perhaps while a condition holds."""
        rng, index = self.rng, self.name("k")
        kinds = [self.kind() for _ in range(rng.randint(1, 2))]
        carried = [(self.name("c"), self.expression(kind, atoms), kind) for kind in kinds]
        inside = [*atoms, *((Plain(name), kind) for name, _, kind in carried)]
        whole = [(name, first, self.expression(kind, inside)) for name, first, kind in carried]
        going = self.flag((), inside) if rng.random() < 0.5 else None
        by_limit = going is not None and rng.random() < 0.5
        return Loop(whole, index, rng.randint(0, 3), going, by_limit)

    def order(self, scan: Scan) -> list[int]:
        """Equations stand anywhere below what binds a name that they read."""
        order = [k for k, item in enumerate(scan.items) if not isinstance(item, Equation)]
        for k, item in enumerate(scan.items):
            if isinstance(item, Equation):
                read = {one.name for one in item.value.reads if not isinstance(one, Time)}
                needed = [
                    place + 1
                    for place, other in enumerate(order)
                    if read.intersection(bound(scan.items[other]))
                ]
                order.insert(self.rng.randint(max(needed, default=0), len(order)), k)
        return order

    # -- expressions, bounded so that no step makes more of an error than it was given

    def expression(self, kind: Kind, atoms: list[Atom]) -> Expr:
        match kind.dtype[0]:
            case "f":
                return self.number(kind, atoms)
            case "i":
                return self.integer(kind, atoms)
        return self.flag(kind.dims, atoms)

    def number(self, kind: Kind, atoms: list[Atom]) -> Expr:
        rng, text = self.rng, Text()
        factors = [rng.choice(["-0.3", "0.2", "0.25"]) for _ in range(rng.randint(1, 4))]
        terms = [f"{factors[0]} * {text(self.pick(kind, atoms))}"]
        terms += [f"{c} * {self.term(kind, atoms, text)}" for c in factors[1:]]
        total = " + ".join([*terms, rng.choice(["0.4", "0.1"])])
        total = rng.choice(["tanh({})", "sin({})", "0.5 * ({})"]).format(total)
        if rng.random() < 0.8:
            return text.expr(kind, total)
        flag, other = text(self.pick(FLAG, atoms)), text(self.pick(kind, atoms))
        chosen = f"if {flag} then {total} else {other}"
        return text.expr(kind, chosen, f"({total}) if {flag} else {other}")

    def term(self, kind: Kind, atoms: list[Atom], text: Text) -> str:
        """Something that can be added to a value of this kind."""
        dtype, dims = kind.dtype, kind.dims
        same = [read for read, other in atoms if other == kind]
        flags = [read for read, other in atoms if other == Kind("bool", dims)]
        smaller = [r for r, k in atoms if k.dtype == dtype and len(k.dims) < len(dims)]
        larger = [r for r, k in atoms if k.dtype == dtype and k.dims] if not dims else []
        others = [(r, k) for r, k in atoms if k.dims == dims and k.dtype != dtype]
        ways: list[Callable[[], str]] = [lambda: text(self.pick(kind, atoms))]
        if same:
            ways.append(lambda: f"{self.one(same, text)} * {self.one(same, text)}")
        if same and flags:
            c, x, y = flags, same, same
            ways.append(
                lambda: f"where({self.one(c, text)}, {self.one(x, text)}, {self.one(y, text)})"
            )
        if smaller:
            ways.append(lambda: self.one(smaller, text))
        if larger:
            ways.append(lambda: f"0.3 * sum({self.one(larger, text)})")
        if others:
            ways.append(lambda: self.converted(dtype, self.rng.choice(others), text))
        if dims:
            ways.append(lambda: self.product(kind, atoms, text))
        return self.rng.choice(ways)()

    def one(self, reads: Sequence[Read], text: Text) -> str:
        return text(self.rng.choice(reads))

    def converted(self, dtype: str, atom: Atom, text: Text) -> str:
        read, kind = atom
        return f"{'0.05 * ' if kind.dtype == 'i32' else ''}{dtype}({text(read)})"

    def product(self, kind: Kind, atoms: list[Atom], text: Text) -> str:
        """By a matrix from outside, of which there is one for each dtype."""
        square = Kind(kind.dtype, ("n", "n"))
        known = [name for name, other in self.program.params.items() if other == square]
        matrix = text(Plain(known[0] if known else self.param(square)))
        value = text(self.pick(kind, atoms))
        return f"({matrix} @ {value})" if len(kind.dims) == 1 else f"({value} @ {matrix})"

    def integer(self, kind: Kind, atoms: list[Atom]) -> Expr:
        rng, text = self.rng, Text()
        terms = [f"{rng.randint(-3, 3)} * {text(self.pick(kind, atoms))}"]
        scalars = [read for read, other in atoms if other == Kind("i32")]
        flags = [read for read, other in atoms if other == Kind("bool", kind.dims)]
        vectors = [read for read, other in atoms if other == Kind("i32", ("n",))]
        if scalars:
            terms.append(f"{rng.randint(1, 2)} * {self.one(scalars, text)}")
        if flags and rng.random() < 0.5:
            terms.append(f"i32({self.one(flags, text)})")
        if vectors and not kind.dims and rng.random() < 0.5:
            terms.append(f"sum({self.one(vectors, text)})")
        return text.expr(kind, f"({' + '.join(terms)}) % {rng.choice([7, 31, 97])}")

    def flag(self, dims: tuple[str, ...], atoms: list[Atom]) -> Expr:
        rng, text, kind = self.rng, Text(), Kind("bool", dims)
        numbers = [read for read, other in atoms if other == Kind("i32", dims)]
        floats = [read for read, other in atoms if other == Kind("f64", dims)]
        known = [read for read, other in atoms if other == kind]
        ways: list[Callable[[], str]] = [lambda: text(self.pick(kind, atoms))]
        if numbers:
            ways.append(lambda: f"{self.one(numbers, text)} > {rng.randint(-2, 6)}")
            ways.append(lambda: f"{self.one(numbers, text)} % {rng.randint(2, 3)} == 0")
        if floats and not self.smooth:
            ways.append(lambda: f"{self.one(floats, text)} < {rng.choice(['0.17', '-0.03'])}")
        if known:
            ways.append(lambda: f"{self.one(known, text)} != {self.one(known, text)}")
        if known and not dims:
            word = rng.choice(["and", "or"])
            ways.append(lambda: f"not {self.one(known, text)}")
            ways.append(lambda: f"{self.one(known, text)} {word} {self.one(known, text)}")
        return text.expr(kind, rng.choice(ways)())

    def pick(self, kind: Kind, atoms: list[Atom]) -> Read:
        """Something of exactly this kind, a new parameter where there is nothing."""
        known = [read for read, other in atoms if other == kind]
        return self.rng.choice(known) if known else Plain(self.param(kind))


class Text:
    """An expression that is being written; what it reads becomes {0}, {1}, ..."""

    def __init__(self) -> None:
        self.reads: list[Read] = []

    def __call__(self, read: Read) -> str:
        self.reads.append(read)
        return f"{{{len(self.reads) - 1}}}"

    def expr(self, kind: Kind, text: str, python: str = "") -> Expr:
        return Expr(text, tuple(self.reads), kind, python)


def values(dtype: str, shape: Sequence[int], rng: Random) -> np.ndarray:
    """Numbers of order one, small integers, fair coins."""
    numbers = np.random.default_rng(rng.randrange(1 << 30))
    made = {
        "f": lambda: numbers.uniform(-1, 1, shape),
        "i": lambda: numbers.integers(-5, 6, shape),
        "b": lambda: numbers.random(shape) < 0.5,
    }[dtype[0]]()
    return np.asarray(made, DTYPES[dtype])


def random_program(
    seed: int, steps: int, floats: Sequence[str] = ("f64",), smooth: bool = False
) -> Program:
    """The program of a seed."""
    rng = Random(seed)
    program = Program({"T": steps, "S": rng.choice([0, 1, 2, 2, 3]), "n": 3})
    return Maker(rng, floats, smooth, program).make()
