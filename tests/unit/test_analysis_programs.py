"""What programs mean: small ones, run by the reference of `nd`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xdsl.context import Context

from irc.abi import RNG_STATE
from irc.execution.outcome import Outcome
from irc.execution.program import Program as Running
from irc.frontend import Program, load_program
from irc.passes.nd.expand_grad import ExpandGradPass

F32 = np.float32


def running(text: str, **options: Any) -> Running:
    program = load_program(text, tests=True, **options)
    program.module.verify()
    ExpandGradPass().apply(Context(), program.module)
    return Running(program.module)


def call(
    text: str, *inputs: Any, state: Mapping[str, Any] | None = None, name: str = "f"
) -> Outcome:
    """Calls `name`; numbers become f32, state is the initial one where left out."""
    arrays = [np.asarray(x, F32 if type(x) in (float, list) else None) for x in inputs]
    given = {k: np.asarray(v, F32) for k, v in (state or {}).items()}
    return running(text).run(name, arrays, given or None)


def value(text: str, *inputs: Any) -> np.ndarray:
    outcome = call(text, *inputs)
    assert outcome.failure is None, outcome.failure
    return outcome.results[0]


# ---- values and names


def test_let_binds_again_and_literals_take_the_dtype_they_meet() -> None:
    text = """
    export def f(x: f64) -> f64 {
        let k = 3
        let x = x * k
        let x = x + 0.5
        return x
    }
    """
    got = value(text, np.float64(2))
    assert got == 6.5 and got.dtype == np.float64


def test_typed_let_closes_a_literal() -> None:
    text = "export def f() -> i16 {\n let k: i16 = 7\n return k * 2\n}"
    assert value(text).dtype == np.int16 and value(text) == 14


def test_constants_do_not_depend_on_their_order() -> None:
    text = "const A = B * 2 + 1\nconst B = min(3, 5)\nexport def f(x: f32[A]) -> f32 = sum(x) * B"
    assert value(text, [1.0] * 7) == 21


def test_a_define_replaces_a_constant_and_a_type() -> None:
    text = "const A = 2\ntype floatX = f32\nexport def f(x: floatX[A]) -> floatX = sum(x) / 2"
    program = load_program(text, {"A": "5", "floatX": "f64"})
    assert program.spec.functions[0].params[0].type == "f64[5]"
    assert program.spec.consts == {"A": 5} and program.spec.types == {"floatX": "f64"}


def test_a_branch_that_a_constant_decides_is_the_only_one() -> None:
    text = """
    const DEBUG = false
    export def f(x: f32) -> f32 {
        if DEBUG { print "x {x}" } else { print "quiet" }
        return x
    }
    """
    assert call(text, 1.0).prints == ["quiet"]


# ---- functions


def test_functions_are_written_again_for_every_call() -> None:
    text = """
    def twice(x) = x * 2
    export def f(x: f32[n], k: i32) -> (a: f32[n], b: i32) = (twice(x), twice(k))
    """
    outcome = call(text, [1.0, 2.0], np.int32(4))
    assert outcome.results[0].tolist() == [2, 4] and outcome.results[1] == 8
    assert outcome.results[1].dtype == np.int32


def test_sizes_of_a_called_function_are_those_of_its_arguments() -> None:
    text = """
    def halves(x: f32[2*m]) -> f32[m] = x[:m] + x[m:]
    export def f(x: f32[2*n + 2]) -> f32[n + 1] = halves(x)
    """
    assert value(text, [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]).tolist() == [11, 22, 33]


def test_defaults_keywords_and_named_results() -> None:
    text = """
    def g(x, scale=2, shift=1) -> (a: f32, b: f32) = (x * scale, x + shift)
    export def f(x: f32) -> f32 {
        let r = g(x, shift=10)
        return r.a + r.b
    }
    """
    assert value(text, 3.0) == 6 + 13


def test_a_where_clause_of_a_called_function_is_checked_when_it_cannot_be_proved() -> None:
    text = """
    def first(x: f32[n]) -> f32 where n > 1 = x[0]
    export def f(x: f32[k]) -> f32 = first(x)
    """
    assert value(text, [5.0, 6.0]) == 5
    failure = call(text, [5.0]).failure
    assert failure is not None and "`first` needs n > 1" in failure.message


def test_a_where_clause_that_the_caller_states_needs_no_check() -> None:
    text = """
    def first(x: f32[n]) -> f32 where n > 0 = x[0]
    export def f(x: f32[k]) -> f32 where k >= 3, k % 2 == 0 = first(x)
    """
    program = load_program(text)
    assert "nd.assert" not in str(program.module)
    facts = program.spec.functions[0].facts
    assert [f.text for f in facts] == ["k >= 3", "k % 2 == 0"]


def test_a_where_clause_on_values_is_checked_at_run_time() -> None:
    text = "export def f(x: f32) -> f32 where x > 0 = sqrt(x)"
    assert value(text, 4.0) == 2
    failure = call(text, -4.0).failure
    assert failure is not None and failure.message.endswith("f needs x > 0")


def test_an_assertion_about_sizes_is_a_fact_behind_it() -> None:
    text = """
    export def f(x: f32[n], y: f32[m]) -> f32[n] {
        assert n == m
        return x + y
    }
    """
    assert value(text, [1.0, 2.0], [3.0, 4.0]).tolist() == [4, 6]
    failure = call(text, [1.0, 2.0], [3.0]).failure
    assert failure is not None and "n == m" in failure.message


def test_sizes_without_a_name_are_separate() -> None:
    spec = load_program("export def f(x: f32[_], y: f32[_]) -> f32 = sum(x) + sum(y)").spec
    assert spec.functions[0].sizes == ("_1", "_2")


# ---- state


def test_all_updates_read_old_values() -> None:
    text = """
    state a: f32 = 1
    state b: f32 = 2
    export def f() {
        update a = b
        update b = a
    }
    """
    after = call(text).state
    assert after["a"] == 2 and after["b"] == 1


def test_a_failed_call_changes_nothing() -> None:
    text = """
    state a: f32 = 1
    export def f(x: f32) {
        update a = x
        assert x > 0, "x is {x:.2f}, a {a}"
    }
    """
    outcome = call(text, -2.0)
    assert outcome.failure is not None and outcome.failure.message.endswith("x is -2.00, a 1.0")
    assert outcome.state["a"] == 1


def test_records_are_updated_field_by_field() -> None:
    text = """
    state net {
        W: f32[2] = ones()
        b: f32 = 0
    }
    state m: like net = zeros()
    export def f(x: f32[2]) -> f32 {
        let cost = sum(net.W * x) + net.b ** 2 + 3 * net.b
        let g = grad(cost, wrt=net)
        update m = 0.5 * m + g
        update net -= 0.1 * g
        return cost
    }
    """
    after = call(text, [1.0, 2.0]).state
    assert after["m.W"].tolist() == [1, 2] and after["m.b"] == 3
    np.testing.assert_allclose(after["net.W"], [0.9, 0.8], rtol=1e-6)
    np.testing.assert_allclose(after["net.b"], -0.3, rtol=1e-6)


def test_one_field_is_updated_alone() -> None:
    text = """
    state net { W: f32[2] = zeros()
                b: f32 = 5 }
    export def f() { update net.W = net.W + net.b }
    """
    after = call(text).state
    assert after["net.W"].tolist() == [5, 5] and after["net.b"] == 5


def test_a_called_function_updates_for_its_caller() -> None:
    text = """
    state steps: i32 = 0
    def count(k) {
        update steps += k
        return k * 2
    }
    export def f(k: i32) -> i32 = count(k)
    """
    outcome = call(text, np.int32(4))
    assert outcome.results[0] == 8 and outcome.state["steps"] == 4


def test_a_branch_updates_when_it_is_taken() -> None:
    text = """
    state a: f32 = 1
    state b: f32 = 1
    export def f(x: f32) -> f32 {
        if x > 0 {
            update a = x
            print "positive {x}"
        } else {
            let y = -x
            update b += y
        }
        return a
    }
    """
    taken, other = call(text, 3.0), call(text, -3.0)
    assert taken.prints == ["positive 3.0"] and other.prints == []
    assert (taken.state["a"], taken.state["b"]) == (3, 1)
    assert (other.state["a"], other.state["b"]) == (1, 4)


PARTS = """
state W: f32[3, 4] = zeros()
export def f(i: i64, at: i32[k], v: f32[4], rows: f32[k, 4]) {{
    update {update}
}}
"""


@pytest.mark.parametrize(
    "update, expected",
    [
        ("W[1] = v", lambda W, i, at, v, rows: W.__setitem__(1, v)),
        ("W[i, :] += v", lambda W, i, at, v, rows: W.__setitem__(i, W[i] + v)),
        ("W[-1, 1:3] = 7", lambda W, i, at, v, rows: W.__setitem__((-1, slice(1, 3)), 7)),
        ("W[:, ::2] -= 1", lambda W, i, at, v, rows: np.subtract.at(W, np.s_[:, ::2], 1)),
        ("W[2, 3] *= 5", lambda W, i, at, v, rows: W.__setitem__((2, 3), W[2, 3] * 5)),
        ("W[at] += rows", lambda W, i, at, v, rows: np.add.at(W, at, rows)),
        ("W[at] -= rows", lambda W, i, at, v, rows: np.subtract.at(W, at, rows)),
        ("W[at, 0] = 2", lambda W, i, at, v, rows: W.__setitem__((at, 0), 2)),
        ("W[i] = sum(v)", lambda W, i, at, v, rows: W.__setitem__(i, v.sum())),
    ],
)
def test_parts_of_a_state_are_updated_as_numpy_does(update: str, expected: Any) -> None:
    before = np.arange(12, dtype=F32).reshape(3, 4)
    at, v = np.array([2, 0, 2], np.int32), np.array([1, 2, 3, 4], F32)
    rows = np.arange(12, 24, dtype=F32).reshape(3, 4)
    outcome = call(PARTS.format(update=update), np.int64(1), at, v, rows, state={"W": before})
    assert outcome.failure is None
    wanted = before.copy()
    expected(wanted, 1, at, v, rows)
    np.testing.assert_array_equal(outcome.state["W"], wanted)


def test_a_part_outside_the_state_fails_the_call() -> None:
    at, rows = np.array([3], np.int32), np.ones((1, 4), F32)
    text = PARTS.format(update="W[at] += rows")
    outcome = call(text, np.int64(0), at, np.zeros(4, F32), rows)
    assert outcome.failure is not None and outcome.failure.kind == "bounds"
    assert not outcome.state["W"].any()


# ---- derivatives


def test_gradients_of_parameters_states_records_and_lets() -> None:
    text = """
    state w: f32[2] = ones()
    export def f(x: f32[2]) -> (a: f32[2], b: f32[2], c: f32[2]) {
        let h = w * x
        let cost = sum(h ** 2)
        let a, b = grad(cost, wrt=(x, w))
        return a, b, grad(cost, wrt=h)
    }
    """
    a, b, c = call(text, [3.0, 4.0]).results
    assert a.tolist() == [6, 8] and b.tolist() == [18, 32] and c.tolist() == [6, 8]


def test_what_is_held_constant_has_no_share() -> None:
    text = """
    export def f(x: f32) -> f32 {
        let h = x * x
        return grad(h * x, wrt=x, consts=(h,))
    }
    """
    assert value(text, 3.0) == 9


def test_disconnected_gradients_are_zero_when_asked_for() -> None:
    text = 'export def f(x: f32[n], y: f32) -> f32[n] = grad(y, wrt=x, disconnected="zero")'
    assert value(text, [1.0, 2.0], 3.0).tolist() == [0, 0]


def test_gradients_of_gradients() -> None:
    text = """
    export def f(x: f32) -> f32 {
        let g = grad(x ** 3, wrt=x)
        return grad(g, wrt=x)
    }
    """
    assert value(text, 5.0) == 30


# ---- random numbers


DRAWS = """
state W: f32[100] = uniform(-1, 1)
state V: f32[100] = uniform(-1, 1)
export def f() -> (a: f32[100], b: f32[100]) = (uniform([100]), uniform([100]))
export def g(x: f32) -> f32 = x
"""


def test_draws_differ_by_place_and_by_call_and_repeat_by_seed() -> None:
    module = running(DRAWS)
    state = module.initial_state(seed=7)
    first = module.run("f", [], state)
    second = module.run("f", [], first.state)
    drawn = [state["W"], state["V"], *first.results, *second.results]
    for i, a in enumerate(drawn):
        for b in drawn[i + 1 :]:
            assert not np.intersect1d(a, b).size > 10
    again = module.run("f", [], module.initial_state(seed=7))
    np.testing.assert_array_equal(again.results[0], first.results[0])
    assert first.state[RNG_STATE].tolist() == [7, 1]


def test_only_drawing_functions_count() -> None:
    spec = load_program(DRAWS).spec
    draws = {f.name: f.draws for f in spec.functions}
    assert draws == {"irc_init": True, "f": True, "g": False}
    assert [s.name for s in spec.states if s.hidden] == [RNG_STATE]
    assert spec.function("f").writes == () and spec.function("g").pure


# ---- modules


def test_imports_of_files_and_of_the_standard_library(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "count.irc").write_text(
        'import "../helper.irc" as h\n'
        "const STEP = 2\n"
        "export state total: i32 = 10\n"
        "export def count(k) {\n    update total += k * STEP\n    return h.same(k)\n}\n"
    )
    (tmp_path / "helper.irc").write_text("export def same(k) = k\n")
    text = """
    import "lib/count.irc" as c
    from nn import relu
    export def f(k: i32, x: f32) -> (a: i32, b: f32, before: i32) {
        let got = c.count(k)
        return got * c.STEP, relu(x), c.total
    }
    """
    program = load_program(text, file=str(tmp_path / "main.irc"))
    assert [Path(f).name for f in program.files] == ["count.irc", "helper.irc"]
    outcome = Running(program.module).run("f", [np.int32(3), F32(-1)])
    assert [float(r) for r in outcome.results] == [6, 0, 10]
    assert outcome.state["c.total"] == 16


def test_a_folder_given_for_imports_is_searched(tmp_path: Path) -> None:
    (tmp_path / "one.irc").write_text("export const_ = 1\n")
    (tmp_path / "lib.irc").write_text("export def one() = 1.0\n")
    text = 'import "lib.irc" as lib\nexport def f() -> f32 = lib.one()'
    program = load_program(text, import_paths=[tmp_path])
    assert Running(program.module).run("f", []).results[0] == 1


def test_a_link_may_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    from irc.errors import UserError

    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.irc").write_text("export def s() = 1.0\n")
    (inside / "link.irc").symlink_to(tmp_path / "secret.irc")
    with pytest.raises(UserError) as caught:
        load_program('import "link.irc" as s\n', file=str(inside / "main.irc"))
    assert caught.value.diagnostics[0].code == "E0603"


def test_a_module_that_two_import_has_one_state(tmp_path: Path) -> None:
    (tmp_path / "s.irc").write_text(
        "export state t: f32 = 1\nexport def set(x) { update t = x\n return t }\n"
    )
    (tmp_path / "a.irc").write_text('import "s.irc" as s\nexport def set(x) = s.set(x)\n')
    text = """
    import "a.irc" as a
    import "s.irc" as s
    export def f(x: f32) -> f32 = a.set(x) + s.t
    """
    program: Program = load_program(text, file=str(tmp_path / "main.irc"))
    outcome = Running(program.module).run("f", [F32(5)])
    assert outcome.results[0] == 2 and outcome.state["a.s.t"] == 5


# ---- tests


def test_test_blocks_are_functions() -> None:
    text = """
    def double(x) = x * 2
    test "doubles" { assert double(2.0) == 4.0 }
    test "fails" {
        let x = [1.0, 2.0]
        assert sum(double(x)) == 5, "sum is {sum(double(x))}"
    }
    """
    module = running(text)
    assert module.run("test:doubles", []).failure is None
    failure = module.run("test:fails", []).failure
    assert failure is not None and failure.message.endswith("sum is 6.0")
    assert not load_program(text).spec.functions


@pytest.mark.cc
def test_names_may_be_any_words_down_to_the_shared_object() -> None:
    """Keywords of C and Python, letters beyond ASCII."""
    import irc

    text = """
    state λ: f32 = 2
    state int: f32[2] = ones()
    state in { class: f32 = 3
               état: f32 = 4 }
    export def while(double: f32[größe], η: f32 = 0.5) -> (float: f32, lambda: f32[größe]) {
        let struct = sum(double) * λ + in.class + in.état
        update λ = struct
        update in.class += η
        print "{{}} {struct:.1f} \\"q\\" {shape(double)}"
        return struct, double * int[0]
    }
    """
    module = irc.compile(text)
    total, same = getattr(module, "while")(np.ones(3, F32))
    assert total == 13 and same.tolist() == [1, 1, 1]
    assert module.state["λ"] == 13 and module.state["in.class"] == 3.5


def test_a_size_may_have_the_name_of_a_function() -> None:
    text = "export def d(x: f32[d]) -> i64 = d"
    outcome = call(text, [1.0, 2.0], name="d")
    assert outcome.results[0] == 2
