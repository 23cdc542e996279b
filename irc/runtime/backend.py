"""
Chooses the loader: the C extension, compiled at first use and kept in the cache, or ctypes.

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

from irc.cache import digest, open_cache
from irc.errors import LoadError, ToolError

_SOURCE = Path(__file__).with_name("loader.c")
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
    from irc.codegen.c.toolchain import CcOptions, compile_shared, find_compiler

    cache = open_cache()
    if cache.root is None:
        return None, cache.reason
    try:
        compiler = find_compiler()
        key = digest(
            "loader", _SOURCE.read_text(), sys.version, _numpy_version(), compiler.identity
        )
    except (ToolError, OSError) as error:
        return None, str(error)
    entry = cache.lookup(key)
    if entry is None:
        try:
            text = _SOURCE.read_text(encoding="utf-8")
            options = CcOptions(cflags=("-std=c11", *_include_flags()), timeout_s=120)
            built = {_NAME: compile_shared(text, options, compiler).data}
            entry = cache.store(key, built)
        except ToolError as error:
            # Kept too: not every process shall wait for a compiler that fails.
            cache.store(key, {}, note={"failed": str(error)})
            return None, str(error)
        if entry is None:
            return None, f"cannot write to the cache {cache.root}"
    if "failed" in entry.note:
        return None, entry.note["failed"]
    try:
        return _import(entry.files[_NAME]), ""
    except ImportError as error:
        return None, str(error)


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


def _numpy_version() -> str:
    import numpy

    return numpy.__version__
