"""
Messages of the analyser by example: the files beside this one hold programs and their messages.

    UPDATE_GOLDEN=1 pytest tests/messages/test_messages.py

writes the messages anew, to be read in the diff. `## file: NAME` lines begin further files of the
program, `## -D NAME=VALUE` in the first line overrides a constant.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from irc.diagnostics import render
from irc.errors import UserError
from irc.frontend import load_program

GOLDEN = [
    Path(__file__).with_name(name)
    for name in (
        "analysis.txt",
        "arrays.txt",
        "convolution.txt",
        "derivatives.txt",
        "externs.txt",
        "linear.txt",
        "recurrences.txt",
    )
]
BETWEEN, BEFORE_MESSAGE = "====\n", "----\n"
FILE = re.compile(r"^## file: (\S+)\n", re.MULTILINE)
DEFINE = re.compile(r"^## -D (\w+)=(\S+)$", re.MULTILINE)


def cases(files: Sequence[Path] = GOLDEN) -> list[tuple[str, str]]:
    texts = [case for file in files for case in file.read_text(encoding="utf-8").split(BETWEEN)]
    return [tuple(case.split(BEFORE_MESSAGE)) for case in texts]  # type: ignore[misc]


def message(program: str, folder: Path) -> str:
    """All errors and warnings; what the program says when it is right is nothing."""
    main, *others = FILE.split(program)
    for name, text in zip(others[::2], others[1::2], strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    before = Path.cwd()
    os.chdir(folder)
    try:
        loaded = load_program(main, dict(DEFINE.findall(main)), file="train.irc", tests=True)
    except UserError as error:
        return f"{error}\n"
    finally:
        os.chdir(before)
    return "".join(f"{render(w, loaded.sources)}\n" for w in loaded.warnings)


@pytest.mark.parametrize("program, expected", cases(), ids=lambda text: text.split("\n")[0][:50])
def test_the_message_is_exactly_this(program: str, expected: str, tmp_path: Path) -> None:
    if "UPDATE_GOLDEN" not in os.environ:
        assert message(program, tmp_path) == expected


def test_the_golden_file_is_written_when_asked(tmp_path: Path) -> None:
    for file in GOLDEN if "UPDATE_GOLDEN" in os.environ else ():
        updated = []
        for i, (program, _) in enumerate(cases([file])):
            folder = tmp_path / file.stem / str(i)
            folder.mkdir(parents=True)
            updated.append(f"{program}{BEFORE_MESSAGE}{message(program, folder)}")
        file.write_text(BETWEEN.join(updated), encoding="utf-8")
    assert all(expected for _, expected in cases())
    assert len({program for program, _ in cases()}) == len(cases()) > 200
