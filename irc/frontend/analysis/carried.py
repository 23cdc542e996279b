"""
A tensor that goes from step to step: a state of a scan, a carried value of a loop.

Its shape never changes. Its dtype is open when it begins as a literal: the first typed operand
that it meets in the body gives it one, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from xdsl.ir import SSAValue

from irc.diagnostics import Label, Span
from irc.dtypes import BOOL, I64, DType
from irc.frontend.analysis.broadcasting import adapts, binder_size, merged_batch, spread
from irc.frontend.analysis.env import Env
from irc.frontend.analysis.pointwise import open_kind
from irc.frontend.analysis.problems import Problem
from irc.frontend.analysis.recurrences import Wider
from irc.frontend.analysis.rereading import Clash
from irc.frontend.analysis.values import (
    Binder,
    Number,
    Numeric,
    Open,
    Origin,
    Tensor,
    type_text,
)
from irc.sizes import Size


@dataclass(eq=False)
class Carried:
    """
    One tensor.

    key        what `Wider` calls it
    initial    what it begins with, in parts that have one dtype
    dims       its shape, without the index variables `batch`
    begin      writes its beginning, before the recurrence, once its dtype is known
    """

    key: tuple[str, int]
    name: str
    span: Span
    initial: Sequence[Numeric]
    dims: tuple[Size, ...]
    batch: tuple[Binder, ...]
    begin: Callable[[DType], None]
    dtype: DType | None = None
    waiting: Numeric | None = None  # the next value, as long as no dtype is known

    def __post_init__(self) -> None:
        typed = [x.dtype for x in self.initial if isinstance(x, Tensor)]
        whole = all(isinstance(x, Number) and isinstance(x.value, bool) for x in self.initial)
        self.kind = _kind(self.initial)
        self._known = typed[0] if typed else None
        self._bool = whole

    def start(self, env: Env, hint: DType | None = None) -> None:
        """Begins with the dtype that the initial values have, or else `hint`, if there is one."""
        reading = env.unit.readings[-1]
        known = self._known or (BOOL if self._bool else hint or reading.dtypes.get(self.key))
        if known is not None:
            self.close(env, known)
        else:
            reading.begun[self.key] = self

    def close(self, env: Env, dtype: DType) -> None:
        """From here on it has this dtype. Raises E0506 when it has another one, or cannot."""
        if self.dtype is None:
            if not all(adapts(x, dtype) for x in self.initial):
                raise self._other_dtype(env, dtype, env.here)
            self.dtype = dtype
            self.begin(dtype)
        elif self.dtype is not dtype:
            raise self._other_dtype(env, dtype, env.here)

    def read(self, env: Env, argument: Callable[[], SSAValue], origin: Origin) -> Numeric:
        """Its value of an earlier step, which `argument` gives."""
        if self.dtype is not None:
            return Tensor(argument(), origin, self.batch)

        def make(dtype: DType) -> SSAValue:
            if self.dtype is None and env.unit.trying:
                return env.b.full((*map(binder_size, self.batch), *self.dims), dtype, 0)
            self.close(env, dtype)
            return argument()

        return Open(make, self.kind, self.dims, origin, self.batch)

    def needs(self, env: Env, batch: Sequence[Binder]) -> None:
        """Raises Wider unless it has a value for each value of these index variables."""
        if not set(batch) <= set(self.batch):
            both = {*batch, *self.batch}
            raise Wider(self.key, tuple(b for b in env.binders if b in both))

    def take(self, env: Env, value: Numeric, span: Span) -> Numeric:
        """
        The next value, fitted; an open one as long as no dtype is known.

        Raises E0506 for another shape or dtype, and Wider.
        """
        if len(value.dims) != len(self.dims) or not env.facts.same_dims(value.dims, self.dims):
            raise self._other_shape(env, value, span)
        self.needs(env, merged_batch(env, [value]))
        if isinstance(value, Tensor):
            with env.at(span):
                if self.dtype is None and not all(adapts(x, value.dtype) for x in self.initial):
                    raise self._other_dtype(env, value.dtype, span, value.type)
                if self.dtype is not None and self.dtype is not value.dtype:
                    raise self._other_dtype(env, value.dtype, span, value.type)
                self.close(env, value.dtype)
        if self.dtype is not None:
            return self._fitted(env, value, span)
        if open_kind(value) == "float":
            self.kind = "float"

        def make(dtype: DType) -> SSAValue:
            if self.dtype is None and env.unit.trying:
                return env.tensor(value, dtype).ssa
            self.close(env, dtype)
            return self._fitted(env, value, span).ssa

        self.waiting = value
        return Open(make, self.kind, self.dims, value.origin, self.batch)

    def settled(self, env: Env, others: Sequence[Carried]) -> DType:
        """
        The dtype. Where nothing gave one it is that of a number on its own, or else one that
        the other values have with which this is computed.
        """
        if self.dtype is None:
            default = I64 if self.kind == "int" else env.floatx
            tried = dict.fromkeys([default, *(o.dtype for o in others if o.dtype)])
            fitting = (d for d in tried if self._could_be(env, d))
            self.close(env, next(fitting, default))
        assert self.dtype is not None
        return self.dtype

    def _could_be(self, env: Env, dtype: DType) -> bool:
        if self.waiting is None or not all(adapts(x, dtype) for x in self.initial):
            return self.waiting is None
        env.unit.trying = True
        try:
            with env.region():  # what it writes is dropped
                env.tensor(self.waiting, dtype)
        except Problem:
            return False
        finally:
            env.unit.trying = False
        return True

    def _fitted(self, env: Env, value: Numeric, span: Span) -> Tensor:
        assert self.dtype is not None
        if not adapts(value, self.dtype):
            number = isinstance(value, Number)
            other = value.type if number else "a number with a fraction"
            raise self._other_dtype(env, None, span, other)
        with env.at(span):
            x = env.fitted(env.tensor(value, self.dtype), self.dims)
            return spread(env, x, self.batch, self.dims)

    # -- messages

    @property
    def type(self) -> str:
        """As the language writes it; of an open one how it begins."""
        if self.dtype is None and not self.dims:
            return self.initial[0].type
        return type_text(self.dtype.name if self.dtype else "_", self.dims)

    def _other_shape(self, env: Env, value: Numeric, span: Span) -> Problem:
        helps = ["the shape is the same at every step"]
        if not self.dims and value.dims:
            sizes = ", ".join(map(str, value.dims))
            helps = [f"begin with the same shape: `zeros([{sizes}])`"]
        unknown = len(self.dims) == len(value.dims) and not any(
            env.facts.differ(a, b) for a, b in zip(self.dims, value.dims, strict=True)
        )
        notes = ["nothing says that these sizes are equal"] if unknown else []
        return env.error(
            "E0506",
            f"`{self.name}` changes its shape: it begins as {self.type}, "
            f"and is {value.type} after a step",
            span,
            f"this is {value.type}",
            labels=[Label(self.span, f"begins as {self.type}")],
            notes=notes,
            helps=helps,
        )

    def _other_dtype(
        self, env: Env, met: DType | None, span: Span | None, spelled: str = ""
    ) -> Problem:
        dtype, other = self.dtype or self._known, spelled or str(met)
        if dtype is not None and met is not None:
            env.unit.clashes.append(Clash(dtype, met, self.key))
        helps = [f"convert: `{dtype}(...)`, or begin with another dtype"] if dtype else []
        if dtype is None:
            helps = ["begin with a value of that dtype"]
        return env.error(
            "E0506",
            f"`{self.name}` changes its dtype: it is {self.type}, and {other} in another place",
            span,
            f"{other} here",
            labels=[Label(self.span, f"begins as {self.type}")],
            helps=helps,
        )


def _kind(values: Sequence[Numeric]) -> Literal["int", "float", "any"]:
    kinds = {open_kind(v) for v in values if not isinstance(v, Tensor)}
    return "float" if "float" in kinds else "any" if "any" in kinds else "int"
