"""What a bug report needs, without importing NumPy or xDSL."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def version_text() -> str:
    rows = [
        ("irc", irc_version()),
        ("xdsl", _installed("xdsl")),
        ("numpy", _installed("numpy")),
        ("Python", platform.python_version()),
        ("cc", _compiler()),
        ("CPU", _cpu()),
        ("cache", str(_cache_folder())),
    ]
    return "\n".join(f"{name:<7} {text}" for name, text in rows)


def irc_version() -> str:
    from irc.release import __version__

    return __version__


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _compiler() -> str:
    from irc.codegen.c.toolchain import find_compiler
    from irc.errors import ToolError

    try:
        argv = find_compiler().argv
        done = subprocess.run(
            [*argv, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (ToolError, OSError, subprocess.SubprocessError) as error:
        return f"none ({error})"
    first = (done.stdout.splitlines() or ["?"])[0]
    return f"{' '.join(argv)}: {first}"


def _cpu() -> str:
    from irc.target import host

    target = host()
    return f"{_model()}, {target.threads} threads, {target.vector_bits}-bit vectors"


def _model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "irc"
