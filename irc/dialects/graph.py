"""IR as a graph for Graphviz: ops are nodes, values are edges, functions are clusters."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, SSAValue

from irc.dialects.verify import place, walk


def dot(module: ModuleOp) -> str:
    """One cluster for each function. Equal IR gives equal text."""
    lines = ["digraph module {", "  node [shape=box, fontname=monospace, fontsize=10];"]
    names = Names()
    for number, function in enumerate(op for op in module.ops if isinstance(op, FuncOp)):
        lines += [f"  subgraph cluster_{number} {{", f'    label="@{function.sym_name.data}";']
        if function.body.blocks:
            for argument in function.body.block.args:
                label = f"%{argument.name_hint or argument.index} : {argument.type}"
                lines.append(f'    {names.of(argument)} [label="{quote(label)}", shape=ellipse];')
        for op in walk(function):
            if op is not function:
                lines += [f"    {line}" for line in node(op, names)]
        lines.append("  }")
    return "\n".join([*lines, "}"]) + "\n"


class Names:
    """A short name for each op and block argument, in the order in which they are met."""

    def __init__(self) -> None:
        self.known: dict[int, str] = {}

    def of(self, thing: Operation | SSAValue) -> str:
        return self.known.setdefault(id(thing), f"n{len(self.known)}")


def node(op: Operation, names: Names) -> list[str]:
    results = ", ".join(f"%{r.name_hint}" for r in op.results if r.name_hint)
    types = ", ".join(str(r.type) for r in op.results)
    label = "\n".join(filter(None, (f"{results} = {op.name}" if results else op.name, types)))
    tooltip = f', tooltip="{quote(at)}"' if (at := place(op.location)) else ""
    lines = [f'{names.of(op)} [label="{quote(label)}"{tooltip}];']
    for operand in op.operands:
        owner = operand.owner
        source = names.of(operand if isinstance(owner, Block) else owner)
        lines.append(f"{source} -> {names.of(op)};")
    return lines


def quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
