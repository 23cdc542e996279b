"""No report of the address and undefined-behaviour sanitizers, and no warning, from emitted C."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from example_scripts import EXAMPLES

SCRIPT = Path(__file__).with_name("run_programs.py")
pytestmark = [
    pytest.mark.cc,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="the sanitizers are GCC's here"),
]


def preloaded() -> str:
    names = []
    for name in ("libasan.so", "libubsan.so"):
        command = ["gcc", f"-print-file-name={name}"]
        path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        if not os.path.isabs(path):
            pytest.skip(f"GCC has no {name} here")
        names.append(path)
    return " ".join(names)


def run(*arguments: str, timeout_s: int = 230) -> subprocess.CompletedProcess[str]:
    """Kernels are compiled with -Wall -Wextra -Wconversion -std=c99 -Werror besides."""
    environment = {
        **os.environ,
        "LD_PRELOAD": preloaded(),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=timeout_s
    )


def test_a_stray_read_is_reported() -> None:
    result = run("planted")
    assert result.returncode != 0 and "heap-buffer-overflow" in result.stderr


def test_programs_that_were_wrong_once() -> None:
    result = run("regressions")
    assert result.returncode == 0, result.stdout + result.stderr[-3000:]


def test_arrays() -> None:
    """Sorting, running totals, writes into parts, padding: lines of no and of one element too."""
    result = run("arrays")
    assert result.returncode == 0, result.stdout + result.stderr[-3000:]


def test_convolutions() -> None:
    """Windows that reach over every edge, panels that are not full, padding of both signs."""
    result = run("convolutions")
    assert result.returncode == 0, result.stdout + result.stderr[-3000:]


def test_linear_systems() -> None:
    result = run("linear")
    assert result.returncode == 0, result.stdout + result.stderr[-3000:]


def test_recurrences() -> None:
    """Rows before the first step, rings, loops that end early, packed factors."""
    result = run("recurrences")
    assert result.returncode == 0, result.stdout + result.stderr[-3000:]


def test_examples_with_loops() -> None:
    result = run("examples", "3_rnn.irc", "6_catch.irc", "hmc.irc")
    assert result.returncode == 0, result.stdout + result.stderr[-3000:]


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("file", EXAMPLES)
def test_examples(file: str) -> None:
    result = run("examples", file, timeout_s=580)
    assert result.returncode == 0, result.stdout + result.stderr[-3000:]


def test_random_programs() -> None:
    result = run("random", "24", "12")
    assert result.returncode == 0, result.stdout + result.stderr[-3000:]


def test_random_loops() -> None:
    result = run("loops", "0", "3")
    assert result.returncode == 0, result.stdout + result.stderr[-3000:]


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_more_random_loops() -> None:
    result = run("loops", "100", "60", timeout_s=1100)
    assert result.returncode == 0, result.stdout + result.stderr[-3000:]


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_hundreds_of_random_programs() -> None:
    result = run("random", "3000", "600", timeout_s=2900)
    assert result.returncode == 0, result.stdout + result.stderr[-3000:]
