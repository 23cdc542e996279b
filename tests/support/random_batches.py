"""
Random programs with scans and loops under index notation: `[run(a[i], b) for i]`.

    batch = random_batch(seed, steps=5)
    batch.text()            a function `f` of the language
    batch.expected()        one program after the other in NumPy
    batch.gradients(...)    a function `f` that gives a cost and its gradients
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from random_loops import Program, random_program, values
from stepwise import Kind

ROWS = 4


@dataclass
class Batch:
    """
    program  what is done for each of ROWS values of the index
    many     the parameters that have a row for each of them
    arrays   by parameter
    """

    program: Program
    many: set[str]
    arrays: dict[str, np.ndarray]

    @property
    def inputs(self) -> list[np.ndarray]:
        return list(self.arrays.values())

    @property
    def params(self) -> dict[str, Kind]:
        kinds = self.program.params.items()
        return {name: kind.stacked("B") if name in self.many else kind for name, kind in kinds}

    @property
    def gives(self) -> list[Kind]:
        return [kind.stacked("B") for kind in self.program.gives]

    def row(self, k: int) -> Program:
        """The program of one value of the index."""
        own = {name: x[k] if name in self.many else x for name, x in self.arrays.items()}
        return replace(self.program, arrays=own)

    def expected(self) -> list[np.ndarray]:
        rows = [self.row(k).expected() for k in range(ROWS)]
        return [np.stack(of_all) for of_all in zip(*rows, strict=True)]

    def weights(self) -> list[np.ndarray]:
        rng, expected = np.random.default_rng(7), self.expected()
        return [rng.normal(size=expected[k].shape) for k in self.program.weighted]

    def text(self) -> str:
        names = self._names()
        lines = [f"let {names} = [{self._call('i')} for i < B]", f"return {names}"]
        params = [f"{name}: {kind}" for name, kind in self.params.items()]
        return self.program.private() + self._export(params, self.gives, lines)

    def gradients(self, written_out: bool) -> str:
        """The cost, and its gradient by the floats; written out, with a call for each row."""
        p = self.program
        params = [f"{name}: {kind}" for name, kind in self.params.items()]
        params += [f"g{k}: {self.gives[k]}" for k in p.weighted]
        if written_out:
            lines = [f"let {self._names(f'_{i}')} = {self._call(str(i))}" for i in range(ROWS)]
            terms = [f"sum(r{k}_{i} * g{k}[{i}])" for i in range(ROWS) for k in p.weighted]
        else:
            lines = [f"let {self._names()} = [{self._call('i')} for i < B]"]
            terms = [f"sum(r{k} * g{k})" for k in p.weighted]
        slopes = ", ".join(f"d_{name}" for name in p.variables)
        wrt = ", ".join(p.variables)
        lines += [
            f"let cost = {' + '.join(terms)}",
            f'let {slopes} = grad(cost, wrt=({wrt}), disconnected="zero")',
            f"return cost, {slopes}",
        ]
        gives = [Kind("f64"), *(self.params[name] for name in p.variables)]
        rows = f"const B = {ROWS}\n" if written_out else ""
        return rows + p.private() + self._export(params, gives, lines)

    def _names(self, mark: str = "") -> str:
        return ", ".join(f"r{k}{mark}" for k in range(len(self.program.results)))

    def _call(self, i: str) -> str:
        given = (f"{n}[{i}]" if n in self.many else n for n in self.program.params)
        return f"run({', '.join(given)})"

    def _export(self, params: Sequence[str], gives: Sequence[Kind], lines: Sequence[str]) -> str:
        body = "\n".join(f"    {line}" for line in lines)
        given = f"({', '.join(map(str, gives))}){self.program.fact}"
        return f"export def f({', '.join(params)}) -> {given} {{\n{body}\n}}\n"


def random_batch(
    seed: int, steps: int, floats: Sequence[str] = ("f64",), smooth: bool = False
) -> Batch:
    """The programs of a seed, with other numbers for about half of the parameters."""
    rng = Random(seed)
    program = random_program(seed, steps, floats, smooth)
    many = {name for name in program.params if rng.random() < 0.6} or {next(iter(program.params))}
    arrays = dict(program.arrays)
    for name in many:
        rows = [values(program.params[name].dtype, arrays[name].shape, rng) for _ in range(ROWS)]
        arrays[name] = np.stack(rows)
    return Batch(program, many, arrays)
