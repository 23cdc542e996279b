"""
Files that replay a failure: the IR, and the pipeline to run on it, as MLIR stores them.

    builtin.module { ... }
    {-# external_resources: { mlir_reproducer: { pipeline: "builtin.module(nd-cse)" } } #-}
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from irc.dialects.text import module_text


def reproducer_text(module: ModuleOp, passes: Sequence[str]) -> str:
    """`irc-opt --run-reproducer` runs `passes` on this text."""
    pipeline = f"builtin.module({','.join(passes)})"
    quoted = pipeline.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f"{module_text(module, debuginfo=True)}\n"
        "{-#\n"
        "  external_resources: {\n"
        "    mlir_reproducer: {\n"
        f'      pipeline: "{quoted}",\n'
        "      disable_threading: true,\n"
        "      verify_each: true\n"
        "    }\n"
        "  }\n"
        "#-}\n"
    )


def save_reproducer(
    module: Callable[[], ModuleOp], passes: Sequence[str], source: str
) -> str | None:
    """
    Writes a reproducer into the current directory, or a temporary one where that is read-only.

    module   makes the IR before the first of `passes` once more
    gives    the path, or None when it could not be made: the failure itself matters more
    """
    try:
        text = reproducer_text(module(), passes)
    except Exception:
        return None
    stem = "".join(c if c.isalnum() or c in "-_" else "_" for c in Path(source).stem) or "module"
    for folder in (".", tempfile.gettempdir()):
        try:
            descriptor, path = tempfile.mkstemp(
                prefix=f"{stem}-reproducer-", suffix=".mlir", dir=folder
            )
        except OSError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return os.path.relpath(path) if folder == "." else path
    return None
