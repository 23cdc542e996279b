"""
Chooses the loader: the C extension of `loader/`, or ctypes.

The extension is compiled at first use and kept in the cache.

IRC_LOADER=ctypes or IRC_LOADER=extension decides by hand; the latter says why there is none.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from irc.cache import Cache, Entry, digest, open_cache
from irc.errors import LoadError, ToolError

# One translation unit, in this order.
_PARTS = [
    Path(__file__).parent / "loader" / f"{name}.c"
    for name in ("library", "context", "arguments", "calls", "functions", "module")
]
_NAME = "_loader.so"


@lru_cache(maxsize=1)
def backend() -> Any:
    """A module with the classes Library, Context and Function."""
    choice = os.environ.get("IRC_LOADER", "")
    if choice != "ctypes":
        extension, reason = _extension()
        if extension is not None:
            return extension
        if choice == "extension":
            raise LoadError(f"the loader extension cannot be used: {reason}")
    from irc.runtime import fallback

    return fallback


def _extension() -> tuple[ModuleType | None, str]:
    """The extension, or the reason why there is none."""
    cache = open_cache()
    if cache.root is None:
        return None, cache.reason
    key = digest("loader", _source(), sys.version, _numpy_version(), _chosen_compiler())
    entry = cache.lookup(key) or _build(cache, key)
    if entry is None:
        return None, f"cannot write to the cache {cache.root}"
    if "failed" in entry.note:
        return None, entry.note["failed"]
    try:
        return _import(entry.files[_NAME]), ""
    except ImportError as error:
        return None, str(error)


def _build(cache: Cache, key: str) -> Entry | None:
    """Compiles the extension. A failure is kept too: not every process shall wait for one."""
    from irc.codegen.c.toolchain import CcOptions, compile_shared

    try:
        options = CcOptions(cflags=("-std=c11", *_include_flags()), timeout_s=120)
        built = compile_shared(_source(), options)
    except ToolError as error:
        return cache.store(key, {}, note={"failed": str(error)}) or Entry(
            {}, {"failed": str(error)}
        )
    return cache.store(key, {_NAME: built.data})


def _source() -> str:
    """The C text, whose messages name the parts."""
    return "".join(f'#line 1 "{part.name}"\n{part.read_text(encoding="utf-8")}' for part in _PARTS)


def _import(path: Path) -> ModuleType:
    loader = importlib.machinery.ExtensionFileLoader("irc.runtime._loader", str(path))
    spec = importlib.util.spec_from_file_location(loader.name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _include_flags() -> tuple[str, ...]:
    import numpy

    python = sysconfig.get_path("include")
    if not os.path.exists(os.path.join(python, "Python.h")):
        raise ToolError(f"Python.h is not in {python}")
    return (f"-I{python}", f"-I{numpy.get_include()}")


def _chosen_compiler() -> str:
    """A failure of one compiler says nothing about another."""
    return os.environ.get("IRC_CC", "")


def _numpy_version() -> str:
    import numpy

    return numpy.__version__
