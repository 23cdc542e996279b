"""State: live arrays, files, pickles, random numbers."""

from __future__ import annotations

import copy
import gc
import json
import os
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modules_by_hand import FIT

import irc
from irc.runtime.module import Module

ROOT = Path(__file__).parents[2]
X = np.arange(12, dtype=np.float32).reshape(4, 3) / 12
Y = np.ones(4, np.float32)


def values(m: Module) -> dict[str, Any]:
    return {name: array.tolist() for name, array in m.state.items()}


def message_of(call: Callable[[], Any]) -> str:
    with pytest.raises(irc.IrcError) as caught:
        call()
    return str(caught.value)


# -- arrays


def test_state_is_live(fit: Module) -> None:
    W = fit.state.W
    before = W.copy()
    fit.train(X, Y)
    assert not np.array_equal(W, before)
    W[...] = 0
    assert fit.predict(X).tolist() == [float(fit.state.b)] * 4
    assert fit.state["W"].base is not None and fit.state.steps.shape == ()


def test_a_view_keeps_the_memory_alive(fit_path: Path, loader: str) -> None:
    m = irc.load(fit_path)
    W = m.state.W
    W[...] = [1, 2, 3]
    gone = weakref.ref(m._context)
    del m
    gc.collect()
    assert gone() is None
    assert W.tolist() == [1, 2, 3]


def test_a_function_keeps_its_module_alive(fit_path: Path, loader: str) -> None:
    predict = irc.load(fit_path).predict
    gc.collect()
    assert predict(X).shape == (4,)


def test_assignment_copies_and_checks(fit: Module) -> None:
    source = np.float32([1, 2, 3])
    fit.state.W = source
    source[0] = 9
    assert fit.state.W.tolist() == [1, 2, 3]
    fit.state.W = 0.5
    assert fit.state.W.tolist() == [0.5] * 3
    fit.state["W"] = [1, 2, 3]
    fit.state.W += 1
    assert fit.state.W.tolist() == [2, 3, 4]
    assert message_of(lambda: setattr(fit.state, "W", np.zeros(3))).startswith(
        "fit.state: argument `W` is float64, expected float32"
    )
    assert message_of(lambda: setattr(fit.state, "W", np.zeros(4, np.float32))) == (
        "fit: state `W` is f32[3], got float32[4]"
    )
    with pytest.raises(AttributeError, match="fit has no state `w`; did you mean `W`"):
        fit.state.w = 3
    assert fit.state.W.tolist() == [2, 3, 4]


def test_hidden_state_is_not_shown(fit: Module) -> None:
    assert list(fit.state) == ["W", "b", "steps"]
    assert "__rng" not in repr(fit.state)
    with pytest.raises(KeyError):
        fit.state["__rng"]


# -- random numbers


def test_the_seed_decides_the_initial_state_and_the_draws(fit_path: Path, loader: str) -> None:
    a, b, c = (irc.load(fit_path, seed=s) for s in (1, 1, 2))
    assert values(a) == values(b) != values(c)
    assert a.draw() == b.draw() != a.draw()


def test_seed_restarts_the_draws_and_leaves_the_rest(fit: Module) -> None:
    fit.seed(7)
    first = [fit.draw(), fit.draw()]
    before = values(fit)
    fit.seed(7)
    assert [fit.draw(), fit.draw()] == first
    assert values(fit) == before


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(fit: Module, seed: int) -> None:
    with pytest.raises(ValueError, match="a seed is between 0 and"):
        fit.seed(seed)


# -- files


def test_save_and_load(fit: Module, fit_path: Path, tmp_path: Path) -> None:
    for _ in range(3):
        fit.train(X, Y)
    fit.draw()
    fit.save(tmp_path / "state.safetensors")
    other = irc.load(fit_path, seed=99)
    other.load_state(tmp_path / "state.safetensors")
    assert values(other) == values(fit)
    assert other.draw() == fit.draw()
    assert [p.name for p in tmp_path.iterdir()] == ["state.safetensors"]


def test_the_file_is_safetensors(fit: Module, tmp_path: Path) -> None:
    path = tmp_path / "s"
    fit.save(path)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0
    assert header["W"] == {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}
    begin, end = header["W"]["data_offsets"]
    assert np.frombuffer(data[8 + length :][begin:end], "<f4").tolist() == fit.state.W.tolist()
    assert max(t["data_offsets"][1] for k, t in header.items() if k[0] != "_" or k == "__rng") == (
        len(data) - 8 - length
    )


def safetensors(header: Any, data: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header, indent=1).encode()
    return len(text).to_bytes(8, "little") + text + data


GOOD = {
    "steps": {"shape": [], "data_offsets": [16, 24], "dtype": "I64"},
    "__metadata__": {"by": 'someone \\ " \u00e9 \U0001f600', "else": ""},
    "b": {"data_offsets": [12, 16], "dtype": "F32", "shape": []},
    "W": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]},
}
DATA = np.float32([1, 2, 3, 4]).tobytes() + np.int64([5]).tobytes()


def test_files_of_other_writers_load(fit: Module, tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_bytes(safetensors(GOOD, DATA))
    fit.load_state(path)
    assert values(fit) == {"W": [1, 2, 3], "b": 4, "steps": 5}


@pytest.mark.parametrize(
    ("header", "data", "said"),
    [
        ({**GOOD, "V": GOOD["W"]}, DATA, "has `V`, which is no state here"),
        ({"W": GOOD["W"]}, DATA, "lacks the state `b`"),
        ({**GOOD, "W": {**GOOD["W"], "shape": [4]}}, DATA, "`W` in {path} has another dtype or"),
        ({**GOOD, "W": {**GOOD["W"], "shape": [1] * 99}}, DATA, "`W` in {path} has another dtype"),
        ({**GOOD, "W": {**GOOD["W"], "dtype": "F64"}}, DATA, "`W` in {path} has another dtype or"),
        ({**GOOD, "W": {**GOOD["W"], "data_offsets": [0, 8]}}, DATA, "damaged"),
        ({**GOOD, "W": {**GOOD["W"], "data_offsets": [9, 2]}}, DATA, "damaged"),
        ({**GOOD, "W": {**GOOD["W"], "data_offsets": [2**63, 2**63 + 12]}}, DATA, "damaged"),
        ({**GOOD, "W": {**GOOD["W"], "data_offsets": [-1, 11]}}, DATA, "damaged"),
        ({**GOOD, "W": {"dtype": "F32", "shape": [3]}}, DATA, "damaged"),
        ({**GOOD, "W": 3}, DATA, "damaged"),
        (GOOD, DATA[:-1], "damaged"),
        ([], b"", "damaged"),
        (b"{" * 1000, b"", "damaged"),
        (b'{"W": {"dtype": "F32', b"", "damaged"),
        (b'{"\\u12', b"  ", "damaged"),
        (b'{"\\q": 1}', b"", "damaged"),
    ],
)
def test_damaged_and_foreign_files_change_nothing(
    fit: Module, tmp_path: Path, header: Any, data: bytes, said: str
) -> None:
    before, path = values(fit), tmp_path / "s"
    path.write_bytes(safetensors(header, data))
    assert said.format(path=path) in message_of(lambda: fit.load_state(path))
    assert values(fit) == before


def test_truncation_anywhere_changes_nothing(fit: Module, tmp_path: Path) -> None:
    path = tmp_path / "s"
    fit.save(path)
    whole, before = path.read_bytes(), values(fit)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(irc.IrcError):
            fit.load_state(path)
    assert values(fit) == before


def test_files_that_cannot_be_read_or_written(fit: Module, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="load: cannot read .*: No such file or directory"):
        fit.load_state(tmp_path / "none")
    with pytest.raises(irc.LoadError, match="not a regular file"):
        fit.load_state(tmp_path)
    with pytest.raises(irc.LoadError, match="save: cannot write .*: No such file or directory"):
        fit.save(tmp_path / "none" / "s")
    with pytest.raises(irc.LoadError, match="save: cannot write"):
        fit.save(tmp_path)
    assert list(tmp_path.iterdir()) == []


# -- pickles


def test_a_pickle_is_independent_and_complete(fit: Module) -> None:
    fit.train(X, Y)
    other = pickle.loads(pickle.dumps(fit))
    assert values(other) == values(fit)
    assert other.draw() == fit.draw()
    fit.train(X, Y)
    assert values(other) != values(fit)


def test_deepcopy_is_independent(fit: Module) -> None:
    other = copy.deepcopy(fit)
    fit.state.W = 0
    assert other.state.W.any()


def test_a_function_pickles_with_its_module(fit: Module) -> None:
    predict = pickle.loads(pickle.dumps(fit.predict))
    assert np.array_equal(predict(X), fit.predict(X))


def test_a_pickle_works_where_the_file_is_not(fit: Module, tmp_path: Path) -> None:
    fit.train(X, Y)
    (tmp_path / "m.pickle").write_bytes(pickle.dumps((fit, fit.predict)))
    code = (
        "import pickle, sys; import numpy as np\n"
        "m, predict = pickle.load(open(sys.argv[1], 'rb'))\n"
        "x = np.ones((1, 3), np.float32)\n"
        "assert predict(x) == m.predict(x)\n"
        "print(m.state.W.tolist(), m.state.steps)\n"
        "print({'xdsl', 'lark', 'click'} & set(sys.modules))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "m.pickle")]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert out.stdout.splitlines() == [f"{fit.state.W.tolist()} 1", "set()"], out.stderr


def test_one_pickle_of_a_module_and_its_function_share_state(fit: Module) -> None:
    m, train = pickle.loads(pickle.dumps((fit, fit.train)))
    train(X, Y)
    assert m.state.steps == 1


def test_save_in_one_loader_and_unpickle_in_the_other(
    fit_path: Path, tmp_path: Path, loader: str
) -> None:
    data = pickle.dumps(irc.load(fit_path, seed=5))
    assert FIT.spec.name.encode() in data
    assert values(pickle.loads(data)) == values(irc.load(fit_path, seed=5))


def test_a_device_is_not_replaced(fit: Module, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(irc.LoadError, match="cannot write .*: not a regular file"):
            fit.save(path)
    assert pipe.is_fifo() and list(tmp_path.iterdir()) == [pipe]


def test_what_is_said_about_the_dtype_of_a_state(fit: Module) -> None:
    hint = r"hint: pass W.astype\(np.float32\), or compile with -D floatX=f64$"
    with pytest.raises(irc.DTypeError, match=hint):
        fit.state.W = np.zeros(3)
