"""The reference of ops with a shape rule, against loops over Python numbers and known answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from nd_programs import FLOATS, one, parse, program, run, same_bits, values
from xdsl.ir import Block, SSAValue

from irc.dialects import nd
from irc.dialects.nd import REDUCTIONS, Builder
from irc.dialects.nd.arrays import from_bytes, round_bf16, rounded, widened
from irc.dialects.nd.philox import philox4x32, random_words
from irc.dtypes import BF16, BOOL, DTYPES, F16, F32, F64, I32, I64, U32
from irc.execution import execute
from irc.sizes import var

N = var("n")

# Random123, examples/kat_vectors: counter, key, output.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
     (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]  # fmt: skip


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_philox_known_answers(
    counter: Sequence[int], key: Sequence[int], words: Sequence[int]
) -> None:
    given = [np.array([c], dtype=np.uint32) for c in counter]
    assert [int(w[0]) for w in philox4x32(given, key)] == list(words)


def test_random_bits_depend_on_seed_counter_site_and_position_only() -> None:
    def bits(seed: int, counter: int, site: int, shape: tuple[int, ...]) -> np.ndarray:
        def body(b: Builder) -> SSAValue:
            return b.philox(b.full((), I64, seed), b.full((), I64, counter), site, shape)

        return one([], body)

    first = bits(7, 1, 2, (9,))
    assert first.dtype == np.uint32
    assert np.array_equal(bits(7, 1, 2, (3, 3)).ravel(), first)
    assert np.array_equal(bits(7, 1, 2, (5,)), first[:5])
    for other in (bits(8, 1, 2, (9,)), bits(7, 2, 2, (9,)), bits(7, 1, 3, (9,))):
        assert not np.array_equal(other, first)
    # Words of the block 1 come from counter (1, 0, counter, site) and both words of the seed.
    seed = 7 + (5 << 32)
    block = philox4x32([np.array([c], np.uint32) for c in (1, 0, 9, 2)], (7, 5))
    assert [int(w[0]) for w in block] == random_words(seed, 9, 2, 8)[4:].tolist()
    assert np.array_equal(bits(seed, 9, 2, (8,)), random_words(seed, 9, 2, 8))
    assert bits(-1, -1, 0, (0,)).shape == (0,)


def test_a_draw_with_an_offset_is_a_part_of_a_larger_one() -> None:
    whole = random_words(7, 1, 2, 24)
    for first in (0, 1, 3, 4, 13):

        def body(b: Builder, first: int = first) -> SSAValue:
            seed, counter, offset = (b.full((), I64, n) for n in (7, 1, first))
            return b.philox(seed, counter, 2, (5, 2), offset)

        assert np.array_equal(one([], body).ravel(), whole[first : first + 10])
    wrapped = random_words(7, 1, 2, 9, -3)
    assert np.array_equal(wrapped[3:], whole[:6])
    assert np.array_equal(wrapped[:3], random_words(7, 1, 2, 3, 2**64 - 3))


# -- reductions


def tree(xs: Sequence[np.generic], combine: np.ufunc, start: np.generic) -> np.generic:
    """The order of float sums, one addition at a time."""
    partials = [start] * 64
    for r, x in enumerate(xs):
        partials[r % 64] = combine(partials[r % 64], x)
    half = 32
    while half:
        partials = [combine(partials[j], partials[j + half]) for j in range(half)]
        half //= 2
    return partials[0]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["sum", "prod"])
@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 200])
def test_float_reductions_have_one_order(name: str, dtype: str, count: int) -> None:
    d, combine = DTYPES[dtype], {"sum": np.add, "prod": np.multiply}[name]
    x = rounded(np.random.default_rng(count).normal(size=(count, 3)), d)
    result = one([(dtype, (count, 3))], lambda b, v: b.reduce(name, v, [0]), x)
    wide = widened(x, d)
    start = wide.dtype.type(name == "prod")
    expected = [tree(wide[:, j], combine, start) for j in range(3)]
    assert same_bits(result, rounded(np.array(expected, dtype=wide.dtype), d))


def test_several_axes_are_read_row_major() -> None:
    x = np.random.default_rng(0).normal(size=(7, 5, 30)).astype(np.float32)
    result = one([("f32", x.shape)], lambda b, v: b.sum(v, [0, 2]), x)
    flat = np.transpose(x, (1, 0, 2)).reshape(5, -1)
    assert result.tolist() == [tree(row, np.add, np.float32(0)) for row in flat]


def test_a_sum_in_a_tree_loses_little() -> None:
    x = np.full(100_000, np.float32(0.1))
    result = one([("f32", x.shape)], lambda b, v: b.sum(v, [0]), x)
    exact = float(100_000 * Fraction(float(np.float32(0.1))))
    in_one_scalar = np.cumsum(x)[-1]
    assert abs(result - exact) < abs(in_one_scalar - exact) / 50


@pytest.mark.parametrize("dtype", [n for n, d in DTYPES.items() if d.kind != "bool"])
def test_integer_sums_wrap_and_extrema_are_found(dtype: str) -> None:
    d = DTYPES[dtype]
    x = values(dtype, (5, 7))
    for name in REDUCTIONS:
        if d.kind not in REDUCTIONS[name].takes or (d.is_float and name in ("sum", "prod")):
            continue
        result = one([(dtype, x.shape)], lambda b, v, n=name: b.reduce(n, v, [1]), x)
        for got, row in zip(result.tolist(), x.tolist(), strict=True):
            if name in ("max", "min"):
                nan = any(v != v for v in row)
                assert got != got if nan else got == (max if name == "max" else min)(row)
            else:
                exact = sum(row) if name == "sum" else math.prod(row)
                assert (got - exact) % (1 << d.bits) == 0


def test_extrema_of_zeros_do_not_depend_on_the_order() -> None:
    for x in ([0.0, -0.0, -0.0], [-0.0, -0.0, 0.0]):
        given = np.array(x)
        top = one([("f64", (3,))], lambda b, v: b.reduce("max", v, [0]), given)
        low = one([("f64", (3,))], lambda b, v: b.reduce("min", v, [0]), given)
        assert not np.signbit(top) and np.signbit(low)


def test_bools() -> None:
    x = np.array([[True, False], [True, True], [False, False]])
    for name, pick in (("any", any), ("all", all)):
        result = one([("bool", (3, 2))], lambda b, v, n=name: b.reduce(n, v, [1]), x)
        assert result.tolist() == [pick(row) for row in x.tolist()]
        empty = one([("bool", (2, 0))], lambda b, v, n=name: b.reduce(n, v, [1]), x[:2, :0])
        assert empty.tolist() == [pick([])] * 2


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_the_extremum_of_none_fails_the_call(name: str) -> None:
    def body(b: Builder, x: SSAValue) -> SSAValue:
        if name.startswith("arg"):
            return b.argmax(x, 1, I32, smallest=name == "argmin")
        return b.reduce(name, x, [1])

    module = program([("f32", (N, 0))], body)
    failure = execute(module, "f", [np.zeros((2, 0), np.float32)]).failure
    assert failure is not None and name in failure.message
    assert run(module, np.zeros((0, 0), np.float32))[0].shape == (0,)


@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16", "i32", "u8"])
def test_positions_of_extrema(dtype: str) -> None:
    """The first of equals; the first NaN wins."""
    x = values(dtype, (50, 4), 5)
    for smallest in (False, True):
        result = one(
            [(dtype, x.shape)], lambda b, v, s=smallest: b.argmax(v, 1, I64, smallest=s), x
        )
        assert result.dtype == np.int64
        for got, row in zip(result.tolist(), x.tolist(), strict=True):
            unknown = [i for i, v in enumerate(row) if v != v]
            pick = (min if smallest else max)(row) if not unknown else None
            assert got == (unknown[0] if unknown else row.index(pick))


# -- products


@pytest.mark.parametrize("dtype", ["i8", "u8", "i64", "f16", "bf16", "f32", "f64"])
@pytest.mark.parametrize(
    ("left", "right", "batch", "contract", "equation"),
    [
        ((2, 3), (3, 4), ((), ()), ((1,), (0,)), "ik,kj->ij"),
        ((2, 3), (4, 3), ((), ()), ((1,), (1,)), "ik,jk->ij"),
        ((5, 2, 3), (3, 5, 4), ((0,), (1,)), ((2,), (0,)), "bik,kbj->bij"),
        ((2, 3, 4), (4, 3), ((), ()), ((1, 2), (1, 0)), "ikl,lk->i"),
        ((3,), (3,), ((), ()), ((0,), (0,)), "k,k->"),
        ((3,), (2,), ((), ()), ((), ()), "i,j->ij"),
        ((2, 0), (0, 3), ((), ()), ((1,), (0,)), "ik,kj->ij"),
    ],
)
def test_products(
    dtype: str, left: Sequence[int], right: Sequence[int],
    batch: tuple[Sequence[int], Sequence[int]], contract: tuple[Sequence[int], Sequence[int]],
    equation: str,
) -> None:  # fmt: skip
    d = DTYPES[dtype]
    rng = np.random.default_rng(1)
    if d.is_float:
        x, y = (rounded(rng.normal(size=s), d) for s in (left, right))
        expected = rounded(np.einsum(equation, x.astype(np.float64), y.astype(np.float64)), d)
    else:
        x, y = (values(d, s, i) for i, s in enumerate((left, right)))
        exact = np.einsum(equation, x.astype(object), y.astype(object))
        expected = np.vectorize(lambda v: int(v) % (1 << d.bits), otypes=[object])(exact)
        expected = expected.astype(np.uint64).astype(x.dtype)
    result = one(
        [(dtype, left), (dtype, right)], lambda b, u, v: b.dot(u, v, batch, contract), x, y
    )
    tolerance = {"f16": 1e-3, "bf16": 8e-3, "f32": 1e-6}.get(dtype, 1e-14)
    assert result.dtype == x.dtype and result.shape == expected.shape
    assert np.allclose(result.astype(np.float64), expected.astype(np.float64), rtol=tolerance)


# -- moves


def test_windows_follow_python_slices() -> None:
    x = np.arange(35).reshape(5, 7)
    for offset, step, count in ((0, 2, 3), (4, -1, 5), (3, -2, 2), (1, 1, 0)):
        stop = offset + step * count
        window = x[offset : None if stop < 0 else stop : step]
        got = one(
            [("i64", x.shape)],
            lambda b, v, w=(offset, step, count): b.slice(v, (w[2], 7), (w[0], 0), (w[1], 1)), x,
        )  # fmt: skip
        assert np.array_equal(got, window[:count])
        back = one(
            [("i64", x.shape), ("i64", (count, 7))],
            lambda b, v, u, w=(offset, step): b.insert_slice(v, u, (w[0], 0), (w[1], 1)),
            x, -window[:count],
        )  # fmt: skip
        expected = x.copy()
        expected[offset : None if stop < 0 else stop : step][:count] *= -1
        assert np.array_equal(back, expected if count else x)


def test_a_window_at_a_value() -> None:
    x = np.arange(9.0)
    got = one(
        [("f64", (9,)), ("i64", ())],
        lambda b, v, at: b.slice(v, (3,), (var("?"),), (2,), [at]), x, np.array(2),
    )  # fmt: skip
    assert got.tolist() == [2, 4, 6]


def test_gathers_read_zero_outside() -> None:
    x = np.arange(1.0, 13.0).reshape(3, 4)
    i, j = np.array([[0, 2], [-1, 3]]), np.array([[1, 4], [0, 0]])
    types = [("f64", (3, 4)), ("i64", (2, 2)), ("i64", (2, 2))]
    got = one(types, lambda b, v, p, q: b.gather(v, [p, q], [0, 1]), x, i, j)
    assert got.tolist() == [[2, 0], [0, 0]]
    rows = one(types[:2], lambda b, v, p: b.gather(v, [p], [0]), x, i)
    assert rows.shape == (2, 2, 4) and np.array_equal(rows[0, 1], x[2]) and not rows[1].any()
    big = one([("f64", (3,)), ("u64", (2,))], lambda b, v, p: b.gather(v, [p], [0]),
              x[:, 0], np.array([2**64 - 1, 1], dtype=np.uint64))  # fmt: skip
    assert big.tolist() == [0, 5]


def test_scatters_write_in_index_order() -> None:
    x, v = np.zeros(3), np.array([1.0, 2, 4, 8])
    index = np.array([1, 1, -1, 3], dtype=np.int32)
    types = [("f64", (3,)), ("f64", (4,)), ("i32", (4,))]
    for kind, expected in (("set", [0, 2, 0]), ("add", [0, 3, 0])):
        got = one(types, lambda b, a, u, p, k=kind: b.scatter(a, u, [p], [0], k), x, v, index)
        assert got.tolist() == expected
    assert not x.any()
    # 2048 + 1 is not a number of f16: each sum is rounded.
    half = np.ones(4, np.float16)
    got = one(
        [("f16", (1,)), ("f16", (4,)), ("i32", (4,))],
        lambda b, a, u, p: b.scatter(a, u, [p], [0], "add"),
        np.array([2048], np.float16), half, np.zeros(4, np.int32),
    )  # fmt: skip
    assert got.tolist() == [2048]


def test_sources() -> None:
    def body(b: Builder, x: SSAValue) -> list[SSAValue]:
        return [
            b.iota((2, N), I32, 1), b.iota((300,), DTYPES["u8"], 0), b.size(2 * N + 1, F32),
            b.full((N,), BF16, 0.1), b.full((), BOOL, True), b.size(N, F16),
            b.constant(np.array([[1.5, -0.0]]), F16),
            b.constant(np.array([2**64 - 1]), DTYPES["u64"]),
        ]  # fmt: skip

    found = run(program([("f32", (N,))], body), np.zeros(3, np.float32))
    assert found[0].tolist() == [[0, 1, 2]] * 2
    assert found[1][256:].tolist() == list(range(44))
    assert found[2] == 7 and found[2].dtype == np.float32
    assert found[3].tolist() == [0.10009765625] * 3
    assert found[4] and found[5].dtype == np.float16
    assert same_bits(found[6], np.array([[1.5, -0.0]], np.float16))
    assert found[7].tolist() == [2**64 - 1]


@pytest.mark.parametrize("dtype", list(DTYPES))
def test_constants_come_back(dtype: str) -> None:
    for shape in ((), (1,), (2, 3), (0,), (40,)):
        x = values(dtype, shape, 9)
        (got,) = run(program([], lambda b, v=x: b.constant(v, DTYPES[dtype])))
        assert same_bits(got, x)


def test_bytes_of_a_splat() -> None:
    assert from_bytes(b"\x00\x3c", (2, 2), F16).tolist() == [[1, 1], [1, 1]]
    assert from_bytes(b"\x80\x3f", (2,), BF16).tolist() == [1, 1]


def test_bf16_rounds_once_to_even() -> None:
    x = np.array([1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-40, 3.4e38, np.nan, -np.inf, 1e-45])
    expected = [1, 1 + 2**-6, 1 + 2**-7, np.inf, np.nan, -np.inf, 0]
    assert np.array_equal(round_bf16(x), np.float32(expected), equal_nan=True)


# -- effects


def test_state_prints_and_checks() -> None:
    module = parse("""
    nd.state @s : tensor<f32>
    func.func @f(%x: tensor<2xf32>, %p: tensor<2xi1>) -> tensor<f32> {
      %old = nd.state_read @s : tensor<f32>
      nd.print "s = {0:.2f}, x = {1}"(%old, %x) : tensor<f32>, tensor<2xf32>
      nd.assert "bounds" %p, "x[{@0}] = {0}"(%x) : tensor<2xi1>, tensor<2xf32>
      nd.state_write @s, %new : tensor<f32>
      func.return %old : tensor<f32>
    }
    """.replace("nd.state_write", "%new = nd.sum %x axes = [0] : tensor<2xf32> to tensor<f32>\n"
                "nd.state_write"))  # fmt: skip
    x, state = np.array([1.5, 2], np.float32), {"s": np.float32(7)}
    good = execute(module, "f", [x, np.array([True, True])], state)
    assert good.prints == ["s = 7.00, x = [1.5, 2.0]"]
    assert good.results[0] == 7 and good.state["s"] == 3.5
    bad = execute(module, "f", [x, np.array([True, False])], state)
    assert bad.failure is not None
    assert (bad.failure.kind, bad.failure.message) == ("bounds", "x[1] = 2.0")
    assert bad.state["s"] == 7


def test_one_region_runs() -> None:
    def body(b: Builder, p: SSAValue, x: SSAValue) -> SSAValue:
        then, orelse = Block(), Block()
        inner = Builder(then)
        inner.print_("then")
        inner.insert(nd.YieldOp.create(operands=[inner.neg(x)]))
        Builder(orelse).insert(nd.YieldOp.create(operands=[x]))
        return b.if_(p, then, orelse)[0]

    module = program([("bool", ()), ("f64", ())], body)
    for p, expected, prints in ((True, -2, ["then"]), (False, 2, [])):
        outcome = execute(module, "f", [np.array(p), np.array(2.0)])
        assert outcome.results[0] == expected and outcome.prints == prints


def test_dtypes_of_numbers_are_rounded_where_they_are_written() -> None:
    b = Builder(Block())
    assert b.full((), F16, 1e9).owner.number == math.inf  # type: ignore[union-attr]
    assert b.full((), U32, -1).owner.number == 2**32 - 1  # type: ignore[union-attr]
    assert b.full((), F64, np.float64(0.1)).owner.number == 0.1  # type: ignore[union-attr]
