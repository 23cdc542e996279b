"""What the explanation of a code consists of."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent, indent


@dataclass(frozen=True, slots=True)
class Page:
    """
    code      "E0201"
    summary   one line, without names of a particular program
    why       why it is an error, and what the rule is good for
    wrong     a program that gets it; empty when no program text does
    right     the same, mended
    """

    code: str
    summary: str
    why: str
    wrong: str = ""
    right: str = ""

    def text(self) -> str:
        parts = [f"{self.code}: {self.summary}", dedent(self.why).strip()]
        if self.wrong:
            parts += ["This is rejected:", indent(dedent(self.wrong).strip(), "    ")]
        if self.right:
            parts += ["This is accepted:", indent(dedent(self.right).strip(), "    ")]
        return "\n\n".join(parts) + "\n"
