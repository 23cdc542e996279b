"""irc's commands and filecheck, called as functions or started from a PATH."""

from __future__ import annotations

import atexit
import functools
import importlib
import os
import shutil
import stat
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, TextIOWrapper
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = {
    "irc-compile": "irc.cli.compile",
    "irc-opt": "irc.cli.opt",
    "irc-run": "irc.cli.run",
    "filecheck": "filecheck.main",
}
LAUNCHER = """#!{python}
import sys
from {module} import main
sys.argv[0] = "{tool}"
sys.exit(main())
"""


class Crash(Exception):
    """A tool let an exception out. The text is its traceback."""


def call(tool: str, args: list[str], stdin: bytes, out: BytesIO, err: BytesIO) -> int:
    """Runs a tool of TOOLS with these streams and gives its exit code. Raises Crash."""
    argv = [tool, *args]
    with streams(argv, stdin, out, err):
        try:
            main = importlib.import_module(TOOLS[tool]).main
            code = main(argv if tool == "filecheck" else args)
        except SystemExit as stop:
            code = stop.code
        except Exception:
            raise Crash(f"{tool} crashed:\n{traceback.format_exc()}") from None
        if isinstance(code, str):
            print(code, file=sys.stderr)
            return 1
        return code or 0


@contextmanager
def streams(argv: list[str], stdin: bytes, out: BytesIO, err: BytesIO) -> Iterator[None]:
    """Puts `sys.argv` and the three streams in place, and the old ones back."""
    stdout = TextIOWrapper(out, "utf-8", newline="", write_through=True)
    stderr = stdout if err is out else TextIOWrapper(err, "utf-8", newline="", write_through=True)
    before = sys.argv, sys.stdin, sys.stdout, sys.stderr
    sys.argv, sys.stdout, sys.stderr = argv, stdout, stderr
    sys.stdin = TextIOWrapper(BytesIO(stdin), "utf-8", newline="")
    try:
        yield
    finally:
        sys.argv, sys.stdin, sys.stdout, sys.stderr = before
        for wrapper in {stdout, stderr}:
            wrapper.flush()
            wrapper.detach()  # a wrapper that is collected would close the buffer


def environment() -> dict[str, str]:
    """The environment in which a started program finds TOOLS and the package."""
    path = os.pathsep.join((str(launchers()), os.environ.get("PATH", os.defpath)))
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}


@functools.cache
def launchers() -> Path:
    """A folder with one script for each tool, which works where the package is not installed."""
    folder = Path(tempfile.mkdtemp(prefix="irc-lit-tools-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for tool, module in TOOLS.items():
        script = folder / tool
        script.write_text(LAUNCHER.format(python=sys.executable, module=module, tool=tool))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return folder
