"""Names that come from the names of files."""

from __future__ import annotations

import pytest

from irc.files import module_name


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("models/mlp.irc", "mlp"),
        ("2_mlp.irc", "mlp"),
        ("03-lstm.mlir", "lstm"),
        ("2d_model.irc", "_2d_model"),
        ("7.irc", "_7"),
        ("1_2.irc", "_1_2"),
        ("a b.c.irc", "a_b_c"),
        ("λ.irc", "λ"),
        ("<stdin>", "_stdin_"),
    ],
)
def test_a_module_is_called_like_its_file(file: str, name: str) -> None:
    assert module_name(file) == name
