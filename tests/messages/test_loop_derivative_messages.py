"""What the derivative of a loop says when there is none: exact texts."""

from __future__ import annotations

import pytest

from irc.diagnostics import render
from irc.dialects.context import make_context
from irc.errors import UserError
from irc.frontend import load_program
from irc.passes.nd.expand_grad import ExpandGradPass

UNBOUNDED = """\
export def f(x: f64) -> f64 {
    loop y = x while y > 1.0 { next y = y / 2.0 }
    return grad(y, wrt=x)
}
"""

UNBOUNDED_INSIDE = """\
export def f(x: f64) -> f64 {
    let total = (if x > 0.0 then halved(x) else x)
    return grad(total, wrt=x)
}
def halved(x) {
    loop y = x while y > 1.0 {
        next y = y / 2.0
    }
    return y
}
"""

MESSAGES = {
    UNBOUNDED: """\
error[E0403]: a `while` loop without a bound cannot be differentiated
 --> t.irc:2:5
  |
2 |     loop y = x while y > 1.0 { next y = y / 2.0 }
  |     ^ how many steps it takes is not known before
3 |     return grad(y, wrt=x)
  |            - the derivative is taken here
  |
  = help: say how many steps there are at most: `loop ... while ... max 100 { ... }`
""",
    UNBOUNDED_INSIDE: """\
error[E0403]: a `while` loop without a bound cannot be differentiated
 --> t.irc:6:5
  |
3 |     return grad(total, wrt=x)
  |            - the derivative is taken here
...
6 |     loop y = x while y > 1.0 {
  |     ^ how many steps it takes is not known before
  |
  = help: say how many steps there are at most: `loop ... while ... max 100 { ... }`
""",
}


@pytest.mark.parametrize("program", MESSAGES)
def test_messages(program: str) -> None:
    loaded = load_program(program, file="t.irc")
    with pytest.raises(UserError) as error:
        ExpandGradPass().apply(make_context(), loaded.module)
    found = [render(d, loaded.sources) for d in error.value.diagnostics]
    assert "".join(f"{text}\n" for text in found) == MESSAGES[program]
