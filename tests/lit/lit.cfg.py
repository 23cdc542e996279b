"""
The same tests under LLVM's lit, each command in a process of its own: `lit tests/lit`.

Slower than the collector in conftest.py, and nearer to what a user's shell does.
"""

# ruff: noqa: F821  (lit defines `config`)

import atexit
import os
import shutil
import sys
import tempfile

import lit.formats

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import lit_tools  # noqa: E402

config.name = "irc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".irc", ".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = tempfile.mkdtemp(prefix="irc-lit-")
atexit.register(shutil.rmtree, config.test_exec_root, ignore_errors=True)
config.available_features.add("long")
config.available_features.update(
    feature
    for feature, names in {"cc": ("cc", "gcc", "clang"), "clang": ("clang",)}.items()
    if any(map(shutil.which, names))
)
config.environment.update(lit_tools.environment())
config.environment["XDG_CACHE_HOME"] = os.path.join(config.test_exec_root, "cache")
config.environment["COLUMNS"] = "100"
