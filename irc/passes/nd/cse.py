"""Computes equal things once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, ModuleOp
from xdsl.ir import Attribute, Operation
from xdsl.passes import ModulePass

from irc.passes.nd.rules import blocks_of, is_removable, nested_ops, opaque_values

Key = tuple[object, ...]


@dataclass(frozen=True)
class CsePass(ModulePass):
    """
    Merges ops of one kind with the same operands and attributes, and reads of one state.

    Needs nd. Leaves nd with the same bits. A value that a derivative is taken with respect to
    is merged with none: its derivative counts only its own uses.
    """

    name = "nd-cse"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        merge_equal(op)


@dataclass
class _Scope:
    """A block being read: ops to come, and what was first seen in it."""

    ops: Iterator[Operation]
    added: list[Key] = field(default_factory=list)


def merge_equal(root: Operation) -> None:
    """One walk in program order; what is known in a block is known inside its regions."""
    opaque = opaque_values(nested_ops(root))
    known: dict[Key, Operation] = {}
    stack = [_Scope(iter(list(block.ops))) for block in reversed(blocks_of(root))]
    while stack:
        scope = stack[-1]
        op = next(scope.ops, None)
        if op is None:
            for key in scope.added:
                del known[key]
            stack.pop()
        elif op.regions:
            stack += [_Scope(iter(list(block.ops))) for block in reversed(blocks_of(op))]
        elif is_removable(op) and opaque.isdisjoint(op.results):
            key = _key(op)
            first = known.setdefault(key, op)
            if first is op:
                scope.added.append(key)
            else:
                _merge(op, first)


def _merge(op: Operation, first: Operation) -> None:
    for result, same in zip(op.results, first.results, strict=True):
        result.replace_all_uses_with(same)
    assert op.parent is not None
    op.parent.erase_op(op)


def _key(op: Operation) -> Key:
    properties = [(name, _attribute(a)) for name, a in sorted(op.properties.items())]
    attributes = [(name, _attribute(a)) for name, a in sorted(op.attributes.items())]
    return (type(op), tuple(map(id, op.operands)), tuple(op.result_types), *properties, *attributes)


def _attribute(a: Attribute) -> object:
    """Floats by their text: 0.0 == -0.0."""
    return repr(a.value.data) if isinstance(a, FloatAttr) else a
