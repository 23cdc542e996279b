"""Makes the ops of a plan: one generic for each group, in an order that works."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects import arith
from xdsl.dialects.builtin import ArrayAttr, FusedLoc, LocationAttr, NoneAttr, UnknownLoc
from xdsl.dialects.linalg.ops import GenericOp, IndexOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.ir.core import OpResult

from irc.dialects.nd.body import Body
from irc.passes.linalg.from_nd.lowering import loop_index
from irc.passes.linalg.fusion.groups import Group
from irc.passes.linalg.fusion.plan import Plan, has_effects, home
from irc.passes.linalg.generics import (
    CONSTANT,
    ORDERED,
    UNIT,
    Access,
    Term,
    accesses_of,
    body_of,
    compose,
    element_of,
    generic,
    operands_of,
    yield_,
)

_UNKNOWN = UnknownLoc()
_NONE = NoneAttr()


def rebuild(plan: Plan) -> None:
    """Replaces the ops of the block."""
    position = {op: i for i, op in enumerate(plan.ops)}
    groups: dict[Group, Operation] = {}
    for op in plan.ops:
        for group in plan.groups(op):
            if group not in groups:
                group.ops.sort(key=position.__getitem__)
                groups[group] = op if len(group.ops) == 1 else _fused(group, position)
    order = _schedule(plan, groups, position)
    for op in plan.ops:
        op.detach()
    for group, new in groups.items():
        if len(group.ops) > 1:
            for old, result in zip(_outputs(group, position), new.results, strict=True):
                result.name_hint = old.name_hint
                old.replace_all_uses_with(result)
    kept = set(groups.values())
    for op in plan.ops:
        if op not in kept:
            op.drop_all_references()
    for group in order:
        plan.block.add_op(groups[group])


# -- order


def _schedule(
    plan: Plan, groups: dict[Group, Operation], position: dict[Operation, int]
) -> list[Group]:
    """Each group where its last member stood, what it depends on before it."""
    makers: dict[SSAValue, Group] = {
        result: group
        for group, op in groups.items()
        for result in (group.outputs if len(group.ops) > 1 else op.results)
    }
    last = {group: max(map(position.__getitem__, group.ops)) for group in groups}
    effects = [op for op in plan.ops if has_effects(op)]
    before = dict(zip(effects[1:], effects, strict=False))

    def dependencies(group: Group) -> Iterator[Group]:
        for values in (group.reads, group.needs):
            for value in values:
                if value in makers:
                    yield makers[value]
        for op in group.ops:
            for effect in (plan.last_effect.get(op), before.get(op)):
                if effect is not None:
                    yield home(plan.groups_of[effect][0])

    order: list[Group] = []
    started: set[Group] = set()
    for op in plan.ops:
        for group in plan.groups(op):
            if position[op] != last[group] or group in started:
                continue
            started.add(group)
            stack = [(group, dependencies(group))]
            while stack:
                top, rest = stack[-1]
                following = next((g for g in rest if g not in started), None)
                if following is None:
                    order.append(top)
                    stack.pop()
                else:
                    started.add(following)
                    stack.append((following, dependencies(following)))
    return order


# -- one group


def _outputs(group: Group, position: dict[Operation, int]) -> list[OpResult]:
    """The results that become arrays, in program order."""
    return sorted(group.outputs, key=lambda r: (position[r.op], r.index))


def _fused(group: Group, position: dict[Operation, int]) -> GenericOp:
    """The generic that computes all members."""
    assert group.loops is not None
    outputs = _outputs(group, position)
    inputs = _inputs(group)
    targets = [(_initial(r), group.outputs[r]) for r in outputs]
    block = Block(
        arg_types=[*(element_of(v) for v, _ in inputs), *(element_of(v) for v, _ in targets)]
    )
    body = _FusedBody(block)
    for key, arg in zip(inputs, block.args, strict=False):
        body.elements[key] = arg
    totals: dict[OpResult, SSAValue] = dict(zip(outputs, block.args[len(inputs) :], strict=True))
    for op in group.ops:
        assert isinstance(op, GenericOp)
        for access in group.accesses[op]:
            body.compute(op, access, totals)
    location = _location(group)
    yield_(block, [body.elements[(r, group.outputs[r])] for r in outputs], location)
    ordered = any(ORDERED in op.attributes for op in group.ops)
    reduces = group.loops.reduces
    return generic(
        len(reduces), inputs, targets, block, location, reduces, {ORDERED: UNIT} if ordered else {}
    )


def _initial(result: OpResult) -> SSAValue:
    """What a result starts from."""
    return result.op.operands[len(result.op.operands) - len(result.op.results) + result.index]


def _inputs(group: Group) -> list[tuple[SSAValue, Access]]:
    """What the members read from outside, in program order."""
    found: dict[tuple[SSAValue, Access], None] = {}
    for op in group.ops:
        assert isinstance(op, GenericOp)
        accesses = accesses_of(op)
        assert accesses is not None
        for at in group.accesses[op]:
            for value, own in zip(operands_of(op)[0], accesses, strict=False):
                access = compose(own, at)
                if access in group.reads.get(value, ()):
                    found[(value, access)] = None
    return list(found)


def _location(group: Group) -> LocationAttr:
    """That of the op which started the group, then those of the others."""
    start = group.loops.op if group.loops is not None else group.ops[0]
    found = dict.fromkeys([start.location, *(op.location for op in group.ops)])
    found.pop(_UNKNOWN, None)
    locations = list(found)
    if len(locations) < 2:
        return locations[0] if locations else _UNKNOWN
    return FusedLoc(ArrayAttr(locations), _NONE)


class _FusedBody:
    """
    Copies the bodies of members into one.

    elements   (value, access) -> the element read or computed at that place
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self.elements: dict[tuple[SSAValue, Access], SSAValue] = {}
        self._indices: dict[Term, SSAValue] = {}
        self._constants: dict[tuple[str, Attribute] | None, SSAValue] = {}

    def compute(self, op: GenericOp, at: Access, totals: dict[OpResult, SSAValue]) -> None:
        """The body of a member for its loops at `at`."""
        old = body_of(op)
        accesses = accesses_of(op)
        assert accesses is not None
        inputs, _ = operands_of(op)
        count = len(inputs)
        values: dict[SSAValue, SSAValue] = {}
        for arg, operand, own in zip(old.args, inputs, accesses, strict=False):
            values[arg] = self.elements[(operand, compose(own, at))]
        for arg, result in zip(old.args[count:], op.results, strict=True):
            if result in totals:
                values[arg] = totals[result]
        end = old.last_op
        for inner in old.ops:
            if inner is not end:
                self._copy(inner, at, values)
        assert end is not None
        for result, own, y in zip(op.results, accesses[count:], end.operands, strict=True):
            self.elements[(result, compose(own, at))] = values.get(y, y)

    def _copy(self, op: Operation, at: Access, values: dict[SSAValue, SSAValue]) -> None:
        if isinstance(op, IndexOp):
            dim = op.properties["dim"].value.data  # type: ignore[attr-defined]
            values[op.results[0]] = self._index(at[dim], op.location)
            return
        key = _number(op) if isinstance(op, arith.ConstantOp) else None
        if key in self._constants:
            values[op.results[0]] = self._constants[key]
            return
        new = type(op).create(
            operands=[values.get(v, v) for v in op.operands],
            result_types=[r.type for r in op.results],
            properties=op.properties,
            attributes=op.attributes,
            location=op.location,
        )
        self.block.add_op(new)
        for was, now in zip(op.results, new.results, strict=True):
            values[was] = now
        if key is not None:
            self._constants[key] = new.results[0]

    def _index(self, term: Term, location: LocationAttr) -> SSAValue:
        """scale * loop index + offset."""
        known = self._indices.get(term)
        if known is None:
            known = self._indices[term] = self._new_index(term, location)
        return known

    def _new_index(self, term: Term, location: LocationAttr) -> SSAValue:
        dim, scale, offset = term
        s = Body(self.block, location)
        if dim == CONSTANT:
            return s.index(offset)
        here = loop_index(s, dim)
        if scale != 1:
            here = s.op(arith.MuliOp, here, s.index(scale))
        return here if offset == 0 else s.op(arith.AddiOp, here, s.index(offset))


def _number(op: arith.ConstantOp) -> tuple[str, Attribute]:
    """A key for equal constants; the text tells -0.0 from 0.0."""
    return repr(op.properties["value"].value.data), op.results[0].type  # type: ignore[attr-defined]
