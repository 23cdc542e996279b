"""Opening files: damaged, foreign, for other machines, compiled again."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from modules_by_hand import FIT, ODD, Program, renamed

import irc
from irc.codegen.c.toolchain import CcOptions, compile_shared
from irc.runtime.backend import backend
from irc.seal import DamagedError, seal, unseal

ROOT = Path(__file__).parents[2]


def refusal(path: Path) -> str:
    with pytest.raises(irc.LoadError) as caught:
        irc.load(path)
    return str(caught.value)


def test_the_loader_is_the_one_asked_for(loader: str, fit_path: Path) -> None:
    name = {"extension": "irc.runtime._loader", "ctypes": "irc.runtime.fallback"}[loader]
    assert backend().__name__ == name


def test_the_seal_sees_every_change(fit_path: Path) -> None:
    data = fit_path.read_bytes()
    assert unseal(data) == data[: -len(seal(b""))]
    assert unseal(b"anything") is None
    for at in range(0, len(data), len(data) // 200):
        flipped = data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :]
        with pytest.raises(DamagedError):
            unseal(flipped)


def test_truncated_anywhere_is_an_error(fit_path: Path, tmp_path: Path) -> None:
    data, path = fit_path.read_bytes(), tmp_path / "m.so"
    whole = len(data) - len(seal(b""))  # what follows is only the seal itself
    for length in {*range(0, 200, 7), *range(0, whole, whole // 150), whole - 1} - {whole}:
        path.write_bytes(data[:length])
        said = refusal(path)
        assert "damaged" in said or "no irc module" in said, (length, said)


def test_truncated_without_a_seal_is_an_error_too(fit_path: Path, tmp_path: Path) -> None:
    body, path = unseal(fit_path.read_bytes()), tmp_path / "m.so"
    assert body is not None
    for length in {*range(0, 200, 7), *range(0, len(body), len(body) // 150)} - {len(body)}:
        path.write_bytes(body[:length])
        refusal(path)
    path.write_bytes(body)
    assert irc.load(path).name == "fit"


def test_flipped_headers_without_a_seal_never_kill(fit_path: Path, tmp_path: Path) -> None:
    """In a process of its own: what the checks let through, the system's loader gets."""
    body = unseal(fit_path.read_bytes())
    assert body is not None
    (tmp_path / "body").write_bytes(body)
    code = """
import sys, irc
from irc.errors import LoadError
from irc.runtime.opening import _check_elf
body = open(sys.argv[1], "rb").read()
for at in range(64 + 56 * 3):
    for bit in (0, 7):
        flipped = body[:at] + bytes([body[at] ^ (1 << bit)]) + body[at + 1:]
        try:
            _check_elf(flipped, "m.so")
        except LoadError:
            pass
print("alive")
"""
    command = [sys.executable, "-c", code, str(tmp_path / "body")]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert out.stdout.strip() == "alive", out.stderr


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.irc"
    path.write_text("export def f(x: f32) -> f32 = x\n")
    assert refusal(path) == (
        f"{path} is no irc module; it looks like source: irc.compile compiles and loads it"
    )
    assert refusal(tmp_path / "none.so") == (
        f"cannot read {tmp_path / 'none.so'}: No such file or directory"
    )
    assert refusal(tmp_path) == f"cannot read {tmp_path}: Is a directory"
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe") == f"{tmp_path / 'pipe'} is not a regular file"


def test_a_foreign_library_is_refused_before_its_code_runs(tmp_path: Path) -> None:
    text = """
#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void run(void) { puts("I ran"); exit(3); }
"""
    path = tmp_path / "foreign.so"
    path.write_bytes(compile_shared(text).data)
    code = f"import irc; irc.load({str(path)!r})"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "I ran" not in out.stdout and out.returncode == 1
    assert "is no irc module: a shared object without irc's functions" in out.stderr


def test_another_machine_is_refused(fit_path: Path, tmp_path: Path) -> None:
    body = unseal(fit_path.read_bytes())
    assert body is not None
    path = tmp_path / "m.so"
    path.write_bytes(seal(body[:18] + (243).to_bytes(2, "little") + body[20:]))
    assert refusal(path) == f"{path} was made for another CPU: RISC-V"


def test_a_cpu_without_the_instructions_is_refused(loader: str, tmp_path: Path) -> None:
    flags = ("-mavx2", "-D__builtin_cpu_supports(x)=0")
    path = tmp_path / "m.so"
    path.write_bytes(seal(compile_shared(FIT.text.c, CcOptions(cflags=flags)).data))
    assert refusal(path) == (
        f"{path} was made for another CPU: this one lacks sse4.2; "
        "compile it here, or with --target cpu:x86-64-v2"
    )


def test_another_abi_version_is_refused(loader: str, tmp_path: Path) -> None:
    program = Program(replace(FIT.spec, abi=2), FIT.kernels, FIT.arenas)
    path = tmp_path / "m.so"
    path.write_bytes(program.shared_object())
    assert refusal(path).endswith("ABI version 2, this irc speaks version 1")


def test_a_failing_initialiser_is_an_error(loader: str, tmp_path: Path) -> None:
    refuse = (
        'if (ctx->rng[0] == 5) return irc_fail(&ctx->head, IRC_ASSERT, "fit.irc:2:1: no five");'
    )
    start = "static int32_t k_irc_init(struct fit *ctx, char *arena)\n{\n"
    kernels = FIT.kernels.replace(start, f"{start}    {refuse}\n")
    path = tmp_path / "m.so"
    path.write_bytes(Program(FIT.spec, kernels, FIT.arenas).shared_object())
    assert irc.load(path, seed=4).name == "fit"
    with pytest.raises(irc.LoadError, match="fit: fit.irc:2:1: no five"):
        irc.load(path, seed=5)


def test_state_that_does_not_fit_in_memory(loader: str, tmp_path: Path) -> None:
    states = (replace(FIT.spec.states[0], name="huge", dims=(2**50,)),)
    spec = replace(ODD.spec, states=states)
    path = tmp_path / "m.so"
    path.write_bytes(Program(spec, ODD.kernels, ODD.arenas).shared_object())
    with pytest.raises(MemoryError, match=f"odd: cannot allocate {2**52} bytes of state"):
        irc.load(path)


def test_a_module_compiled_again_is_the_new_one(loader: str, tmp_path: Path) -> None:
    path = tmp_path / "m.so"
    path.write_bytes(renamed(ODD, "first").shared_object())
    first = irc.load(path)
    path.write_bytes(renamed(ODD, "second").shared_object())
    assert irc.load(path).name == "second"
    assert first.name == "first"
    path.write_bytes(b"truncated under the first one")
    assert first.copy_f32(np.ones(2, np.float32), 1)[0].tolist() == [1, 1]


def test_two_loads_share_code_and_not_state(fit_path: Path, loader: str) -> None:
    a, b = irc.load(fit_path), irc.load(fit_path)
    a.state.W = 7
    assert a._context.opened is b._context.opened
    assert not np.array_equal(a.state.W, b.state.W)


@pytest.mark.parametrize("home", ["read-only", "missing", "file"])
def test_without_a_usable_cache_ctypes_takes_over(
    fit_path: Path, tmp_path: Path, home: str
) -> None:
    place = tmp_path / "home"
    if home == "file":
        place.write_text("")
    elif home == "read-only":
        place.mkdir(mode=0o500)
    code = (
        f"import irc; m = irc.load({str(fit_path)!r}); from irc.runtime.backend import backend\n"
        "print(m.name, backend().__name__)"
    )
    env = {**os.environ, "HOME": "/nonexistent", "XDG_CACHE_HOME": str(place / "cache")}
    if home == "read-only" and os.geteuid() == 0:  # root may write anywhere
        env["XDG_CACHE_HOME"] = "/proc/cache"
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True
    )
    expected = "irc.runtime._loader" if home == "missing" else "irc.runtime.fallback"
    assert out.stdout.split() == ["fit", expected], out.stderr


def test_without_a_compiler_ctypes_takes_over(fit_path: Path, tmp_path: Path) -> None:
    code = (
        f"import irc; m = irc.load({str(fit_path)!r}); from irc.runtime.backend import backend\n"
        "print(m.name, backend().__name__)"
    )
    env = {**os.environ, "IRC_CC": "/nonexistent/cc", "XDG_CACHE_HOME": str(tmp_path)}
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert out.stdout.split() == ["fit", "irc.runtime.fallback"], out.stderr


def test_loading_imports_no_compiler(fit_path: Path) -> None:
    code = (
        f"import sys, irc; m = irc.load({str(fit_path)!r}); m.draw()\n"
        "print({'xdsl', 'lark', 'click', 'irc.driver', 'irc.dialects'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert out.stdout.strip() == "set()", out.stderr
