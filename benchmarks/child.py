"""Measurements in processes of their own: a task goes in as JSON, records come out line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def run_child(
    module: str, task: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """
    Runs `python -m module` and gives its records as they come.

    Ends the benchmark when the child fails; what it says is on stderr by then.
    """
    env = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # users have their imports compiled
    command = [sys.executable, "-m", module]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(task))
        process.stdin.close()
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode != 0:
        sys.exit(f"tools/bench: {module} failed with exit code {process.returncode}")
