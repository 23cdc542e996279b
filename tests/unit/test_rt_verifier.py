"""The numbered constraints of `rt`, each with one wrong op."""

from __future__ import annotations

import pytest
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException

from irc.dialects.context import make_context

MEMORY = "%a: memref<2x2xf32>, %b: memref<2x2xf32>, %t: tensor<2x2xf32>"
WRONG = {
    "special (C1)": [
        ('%r = rt.special "lgama" %x : f32 to f32', "special (C1): lgama of 1 arguments"),
        (
            '%r = rt.special "lgamma" %x, %x : f32, f32 to f32',
            "special (C1): lgamma of 2 arguments",
        ),
    ],
    "special (C2)": [
        ('%r = rt.special "lgamma" %x : f32 to f64', "special (C2): arguments and result need one"),
        ('%r = rt.special "lgamma" %h : f16 to f16', "special (C2): arguments and result need one"),
    ],
    "routine (C1)": [
        ('rt.routine "qr" [] ins(%a : memref<2x2xf32>) outs(%b : memref<2x2xf32>)',
         "routine (C1): qr from 1 to 1 arrays"),
        ('rt.routine "lu" [] ins(%a : memref<2x2xf32>) outs(%b : memref<2x2xf32>)',
         "routine (C1): lu from 1 to 1 arrays"),
    ],
    "routine (C2)": [
        ('rt.routine "cholesky" ["lower"] ins(%a : memref<2x2xf32>) outs(%b : memref<2x2xf32>)',
         "routine (C2): cholesky has no switch lower"),
    ],
    "routine (C3)": [
        ('%r = rt.routine "cholesky" [] ins(%a : memref<2x2xf32>) outs(%b : memref<2x2xf32>) '
         "-> tensor<2x2xf32>", "routine (C3): results and `outs` have different types"),
        ('rt.routine "cholesky" [] ins(%t : tensor<2x2xf32>) outs(%t : tensor<2x2xf32>)',
         "routine (C3): results and `outs` have different types"),
    ],
}  # fmt: skip
CASES = [(name, *case) for name, cases in WRONG.items() for case in cases]


@pytest.mark.parametrize(
    "name, op, message", CASES, ids=[f"{c[0]} {k}" for k, c in enumerate(CASES)]
)
def test_a_wrong_op_names_its_constraint(name: str, op: str, message: str) -> None:
    text = f"func.func @f(%x: f32, %h: f16, {MEMORY}) {{\n  {op}\n  func.return\n}}"
    module = Parser(make_context(), text).parse_module()
    with pytest.raises(VerifyException) as error:
        module.verify()
    assert message in str(error.value)
