"""Equal input gives equal bytes of C and of the shared object, wherever and however it is made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.cc, pytest.mark.timeout(180)]
EXAMPLES = Path(__file__).parents[2] / "examples"
LIBRARY = EXAMPLES / "nn.irc"
KINDS = ("nd", "linalg", "loops", "c", "header", "json", "so")
SETTINGS = [
    {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"},
    {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo", "LANG": "de_DE.UTF-8"},
    {"PYTHONHASHSEED": "4242", "LC_ALL": "tr_TR.UTF-8", "TZ": "America/New_York", "COLUMNS": "40"},
]


def made(folder: Path, example: str, settings: dict[str, str]) -> dict[str, bytes]:
    """What the command writes, in a folder and with a cache of its own."""
    folder.mkdir(parents=True)
    for path in (EXAMPLES / example, LIBRARY):
        shutil.copy(path, folder)
    environment = {**os.environ, **settings, "XDG_CACHE_HOME": str(folder / "cache")}
    command = "import sys; from irc.cli.compile import main; sys.exit(main(sys.argv[1:]))"
    flags = [example, f"--emit={','.join(KINDS)}", "-o", "made"]
    environment["PYTHONPATH"] = str(EXAMPLES.parent)
    subprocess.run([sys.executable, "-c", command, *flags], cwd=folder, env=environment, check=True)
    return {path.name: path.read_bytes() for path in sorted((folder / "made").iterdir())}


@pytest.mark.parametrize(
    "example", [pytest.param("1_logreg.irc", marks=pytest.mark.long), "2_mlp.irc"]
)
def test_the_same_bytes(example: str, tmp_path: Path) -> None:
    first = made(tmp_path / "here", example, SETTINGS[0])
    for number, settings in enumerate(SETTINGS[1:]):
        folder = tmp_path / f"a longer name, {number}" / "ü"
        again = made(folder, example, settings)
        assert again.keys() == first.keys() and len(first) == len(KINDS)
        for name, data in first.items():
            assert again[name] == data, f"{name} differs under {settings}"
