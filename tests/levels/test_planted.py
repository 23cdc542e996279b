"""A wrong rewrite, planted in any pass of the road, is pinned to that pass by one command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from xdsl.dialects import arith, func, memref, scf
from xdsl.dialects.builtin import ModuleOp

from irc.cli.opt import main
from irc.dialects import nd
from irc.dialects.verify import walk
from irc.pipeline import STAGES, pass_class

PROGRAM = """\
nd.state @w : tensor<3xf32>
func.func @train(%x: tensor<?x3xf32, #nd.dims<"n">>, %y: tensor<?xf32, #nd.dims<"n">>)
    -> (tensor<f32>, tensor<?x3xf32, #nd.dims<"n">>) {
  %w = nd.state_read @w : tensor<3xf32>
  %p = nd.dot %x, %w batch [], [] contract [1], [0]
    : tensor<?x3xf32, #nd.dims<"n">>, tensor<3xf32> to tensor<?xf32, #nd.dims<"n">>
  %s = nd.tanh %p : tensor<?xf32, #nd.dims<"n">>
  %r = nd.sub %s, %y : tensor<?xf32, #nd.dims<"n">>
  %g = nd.dot %r, %x batch [], [] contract [0], [0]
    : tensor<?xf32, #nd.dims<"n">>, tensor<?x3xf32, #nd.dims<"n">> to tensor<3xf32>
  %new = nd.sub %w, %g : tensor<3xf32>
  %total = nd.sum %r axes = [0] : tensor<?xf32, #nd.dims<"n">> to tensor<f32>
  %b = nd.broadcast %new dims = [1] : tensor<3xf32> to tensor<?x3xf32, #nd.dims<"n">>
  %z = nd.sub %x, %b : tensor<?x3xf32, #nd.dims<"n">>
  nd.state_write @w, %new : tensor<3xf32>
  func.return %total, %z : tensor<f32>, tensor<?x3xf32, #nd.dims<"n">>
}
"""


def swap_operands(module: ModuleOp) -> bool:
    """x - y -> y - x"""
    for op in walk(module):
        if isinstance(op, nd.ELEMENTWISE["sub"] | arith.SubfOp):
            op.operands = [op.operands[1], op.operands[0]]
            return True
    return False


def one_buffer_for_all(module: ModuleOp) -> bool:
    """Every temporary at the start of the workspace."""
    views = [op for op in walk(module) if isinstance(op, memref.ViewOp)]
    for op in views:
        op.operands[1] = views[0].byte_shift
    return len(views) > 1


def stop_early(module: ModuleOp) -> bool:
    """A loop starts at its second iteration."""
    for op in walk(module):
        if isinstance(op, scf.ForOp):
            op.operands[0] = op.step
            return True
    return False


def return_the_argument(module: ModuleOp) -> bool:
    """tanh x -> x"""
    for op in module.ops:
        if isinstance(op, func.FuncOp) and "tanh" in op.sym_name.data:
            block = op.body.block
            assert block.last_op is not None
            block.last_op.operands = [block.args[0]]
            return True
    return False


def forget_a_state(module: ModuleOp) -> bool:
    """`update` does not happen."""
    for op in walk(module):
        if isinstance(op, nd.StateWriteOp):
            op.detach()
            op.erase()
            return True
    return False


Plant = Callable[[ModuleOp], bool]
PLANTED: list[tuple[str, Plant]] = [
    *dict.fromkeys((p.name, swap_operands) for p in STAGES[0].passes),
    ("nd-dce", forget_a_state),
    *((p.name, swap_operands) for p in STAGES[1].passes),
    ("linalg-fuse", forget_a_state),
    ("bufferize", swap_operands),
    ("convert-linalg-to-loops", swap_operands),
    ("convert-linalg-to-loops", stop_early),
    ("loops-expand-math", return_the_argument),
    ("loops-plan-memory", one_buffer_for_all),
]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "train.mlir"
    path.write_text(PROGRAM)
    return str(path)


def pipeline() -> list[str]:
    """Each pass of the table once, in its order."""
    return list(dict.fromkeys(p.name for stage in STAGES for p in stage.passes))


def test_the_road_as_it_is_changes_nothing(file: str) -> None:
    assert main([file, "-p", ",".join(pipeline()), "--compare-exec"]) == 0


@pytest.mark.parametrize(("name", "plant"), PLANTED, ids=lambda v: getattr(v, "__name__", v))
def test_the_pass_is_named(
    file: str,
    name: str,
    plant: Plant,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cls = pass_class(name)
    right = cls.apply
    did: list[bool] = []

    def wrong(self: object, ctx: object, module: ModuleOp) -> None:
        right(self, ctx, module)  # type: ignore[arg-type]
        did.append(plant(module))

    monkeypatch.setattr(cls, "apply", wrong)
    status = main([file, "-p", ",".join(pipeline()), "--compare-exec"])
    assert did[:1] == [True], "there was nothing to plant"
    assert status != 0
    assert f"pass `{name}` changes @train" in capsys.readouterr().err
