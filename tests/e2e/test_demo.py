"""`make demo` as a newcomer runs it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo.py"


def load_demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["demo"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.cc
def test_the_demo_trains_both_models_from_python_and_from_c(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, DEMO, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 passed" in done.stdout
    verdicts = re.findall(
        r"(\w+) +cost ([\d.]+) +test error +([\d.]+)% in Python, +([\d.]+)% in C", done.stdout
    )
    assert [name for name, *_ in verdicts] == ["logreg", "mlp"]
    (_, cost, *logreg), (_, _, *mlp) = verdicts
    assert cost == "0.247", "what the reference interpreter of the language found"
    assert logreg == ["10.8", "10.8"]
    assert mlp[0] == mlp[1] and float(mlp[0]) <= 10
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("digits.bin", "logreg.h", "logreg.so", "mlp.h", "mlp.so", "train"),
    ]


def test_a_missed_goal_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    demo = load_demo()
    model = demo.MODELS[0]
    good, bad = demo.Outcome(0.2, 35, 297), demo.Outcome(0.2, 36, 297)  # 11.8 % and 12.1 %
    assert demo.judge(model, good, good)
    assert not demo.judge(model, bad, bad)
    assert not demo.judge(model, good, demo.Outcome(0.3, 35, 297)), "C took other steps"
    assert capsys.readouterr().out.count("MISSED") == 2
