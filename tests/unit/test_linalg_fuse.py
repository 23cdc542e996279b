"""What fusion leaves of real programs, its remarks, and what it costs."""

from __future__ import annotations

from nd_programs import program
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.linalg.ops import GenericOp
from xdsl.ir import SSAValue

from irc import sizes
from irc.dialects import nd
from irc.dialects.context import make_context
from irc.dialects.verify import walk
from irc.passes.linalg.convert_nd_to_linalg import ConvertNdToLinalgPass
from irc.passes.linalg.from_nd.structure import matching
from irc.passes.linalg.fuse import FusePass
from irc.passes.linalg.generics import at, compose, fits, identity
from irc.passes.remarks import collecting, remark

N = sizes.var("n")


def fused(module: ModuleOp) -> ModuleOp:
    for p in (ConvertNdToLinalgPass(), FusePass()):
        p.apply(make_context(), module)
    return module


def generics(module: ModuleOp) -> list[GenericOp]:
    return [op for op in walk(module) if isinstance(op, GenericOp)]


def test_long_chains_need_no_recursion() -> None:
    def body(b: nd.Builder, x: SSAValue) -> SSAValue:
        for _ in range(3000):
            x = b.neg(x)
        return x

    (op,) = generics(fused(program([("f32", [N])], body)))
    assert sum(1 for _ in op.body.block.ops) == 3001


def test_a_loop_has_a_bounded_number_of_arrays() -> None:
    def body(b: nd.Builder, *xs: SSAValue) -> SSAValue:
        total = xs[0]
        for x in xs[1:]:
            total = b.add(b.exp(total), x)
        return total

    found = generics(fused(program([("f32", [N])] * 100, body)))
    assert 3 < len(found) < 12
    assert max(len(op.operands) for op in found) <= 33


def test_remarks_belong_to_who_collects() -> None:
    def body(b: nd.Builder, x: SSAValue) -> SSAValue:
        return b.exp(b.neg(x))

    with collecting() as outer:
        with collecting() as inner:
            fused(program([("f32", [N])], body))
        assert [r.kind for r in inner] == ["fusion"] and not outer
        assert "negation f32[n] is computed in the loop of exp f32[n]" in str(inner[0])
    remark("fusion", generics(fused(program([("f32", [N])], body)))[0].location, "unheard")
    assert not outer


def test_accesses_compose() -> None:
    reversed_, every_second = ((0, -1, 5),), ((0, 2, 1),)
    assert compose(reversed_, every_second) == ((0, -2, 4),)
    assert compose((at(3), (0, 1, 0)), ((1, 1, 0),)) == (at(3), (1, 1, 0))
    assert compose(identity(2), ((1, 1, 0), (0, 1, 0))) == ((1, 1, 0), (0, 1, 0))
    assert fits(((0, 1, 0),), [N], [N]) and not fits(((0, 1, 0),), [6], [3])
    assert fits(((0, 1, 1),), [6], [3]) and not fits(((0, 1, 1),), [6], [0])


def test_reshapes_match_the_finest_groups() -> None:
    assert matching([N, 3, 4], [N, 12]) == [([0], [0]), ([1, 2], [1])]
    assert matching([2, N], [N, 2]) == [([0, 1], [0, 1])]
    assert matching([N], [N, 1, 1]) == [([0], [0, 1, 2])]
    assert matching([0, 3], [5, 0]) == [([0, 1], [0, 1])]
    assert matching([1, 6, N], [2, 3, N]) == [([0, 1], [0, 1]), ([2], [2])]
