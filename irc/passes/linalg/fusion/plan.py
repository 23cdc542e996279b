"""
Decides, for one block, which ops go into which groups.

One walk from the last op to the first: when a producer is looked at, all that uses its results
has its group already.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import scf, tensor
from xdsl.dialects.linalg.ops import GenericOp
from xdsl.ir import Block, Operation, SSAValue

from irc.dialects import rt
from irc.dialects.nd.effects import StateReadOp, StateWriteOp
from irc.dialects.nd.loops import ScanOp, WhileOp
from irc.dialects.nd.types import dims_of
from irc.passes.linalg.fusion import explain
from irc.passes.linalg.fusion.cost import DUPLICATE_LIMIT, OPERAND_LIMIT, REPEAT_LIMIT
from irc.passes.linalg.fusion.groups import (
    Group,
    Loops,
    captured_values,
    loops_of,
    root_access,
)
from irc.passes.linalg.fusion.views import loops_at
from irc.passes.linalg.generics import Access, body_of, compose, fits, is_permutation
from irc.passes.remarks import listening
from irc.sizes import Size

_EFFECTS = {rt.AssertOp, rt.PrintOp, StateWriteOp}
_ELEMENTS = {tensor.ExtractOp, tensor.InsertOp}
_WINDOWS = {tensor.ExtractOp, tensor.ExtractSliceOp, tensor.InsertSliceOp}
_REMOVABLE = {"arith", "linalg", "math", "tensor"}
_PURE: dict[type[Operation], bool] = {StateReadOp: True}


class Plan:
    """
    groups_of     op -> its groups; none for an op whose results nobody uses
    last_effect   op that must stay behind an effect -> that effect
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self.ops = list(block.ops)
        self.groups_of: dict[Operation, list[Group]] = {}
        self.last_effect: dict[Operation, Operation] = {}
        self.fused = 0
        self._captured: dict[Operation, list[SSAValue]] = {}
        self._users: dict[Operation, Operation] = {}
        self._floor = 0  # height of the effects and guarded reads that come later
        self._find_effects()
        for op in reversed(self.ops):
            self._visit(op)
        self._merge_readers()

    def groups(self, op: Operation) -> list[Group]:
        """The groups of an op as they are after all merging, each once."""
        return list(dict.fromkeys(home(g) for g in self.groups_of[op]))

    # -- effects

    def _find_effects(self) -> None:
        """Effects keep their order; reads at positions that a check allowed stay behind it."""
        last: Operation | None = None
        for op in self.ops:
            self._captured[op] = captured_values(op, self.block)
            effect = has_effects(op)
            if last is not None and (effect or _reads_at_positions(op)):
                self.last_effect[op] = last
            if effect:
                last = op

    # -- one op

    def _visit(self, op: Operation) -> None:
        effect = has_effects(op)
        users = [] if not op.results else self._user_groups(op)
        if not users and not effect and _is_pure(op):
            self.groups_of[op] = []
            return
        loops = loops_of(op)
        if loops is not None and loops.is_elementwise and self._join(loops, users):
            groups = self.groups(op)
        else:
            height = 1 + max((g.height for g in users), default=0)
            if effect:
                height = max(height, self._floor + 1)
            groups = [self._start(op, loops, height)]
        if effect or op in self.last_effect:
            self._floor = max(self._floor, *(g.height for g in groups))

    def _user_groups(self, op: Operation) -> list[Group]:
        """Groups that use a result of `op`, each once."""
        found: dict[Group, None] = {}
        for result in op.results:
            for use in result.uses:
                user = use.operation
                if user.parent is not self.block:
                    user = self._ancestor(user)
                for group in self.groups_of[user]:
                    group = home(group)
                    if result in group.reads or result in group.needs:
                        found[group] = None
        return list(found)

    def _ancestor(self, op: Operation) -> Operation:
        """The op of this block that `op` is inside of."""
        known = self._users.get(op)
        if known is None:
            known = op
            while known.parent is not self.block:
                above = known.parent_op()
                assert above is not None
                known = above
            self._users[op] = known
        return known

    def _start(self, op: Operation, loops: Loops | None, height: int) -> Group:
        """A group of its own."""
        group = Group(op, height, loops)
        captured = self._captured[op]
        if loops is None:
            group.needs.update(dict.fromkeys((*op.operands, *captured)))
        else:
            here = root_access(loops)
            group.add(loops, here, captured)
            for result in op.results:
                group.write(loops, result, here)
        self.groups_of.setdefault(op, []).append(group)
        return group

    # -- producers

    def _join(self, loops: Loops, users: list[Group]) -> bool:
        """Tries to compute an elementwise op inside the groups that use it."""
        demands = {g: _demands(loops, g) for g in users}
        if all(demands.values()):
            if self._inline(loops, demands):
                return True
            if len(users) > 1 and self._merge_users(users, demands):
                users = [home(users[0])]
                demands = {users[0]: _demands(loops, users[0])}
                if self._inline(loops, demands):
                    return True
        if self._write_inside(loops, demands):
            return True
        self._inline_free(loops, demands)
        return False

    def _inline(self, loops: Loops, demands: dict[Group, list[Access]]) -> bool:
        """No array for the results: computed where they are read."""
        copies = sum(len(accesses) for accesses in demands.values())
        if copies > 1 and not _may_duplicate(loops):
            explain.kept_for_many(loops, list(demands))
            return False
        for group, accesses in demands.items():
            reason = _obstacle(loops, group, accesses)
            if reason:
                explain.kept(loops, group, reason)
                return False
        for group, accesses in demands.items():
            self._inline_into(group, loops, accesses)
        return True

    def _inline_into(self, group: Group, loops: Loops, accesses: list[Access]) -> None:
        for result in loops.op.results:
            if result in group.reads:
                group.take(result)
        for access in accesses:
            group.add(loops, access, self._captured[loops.op])
        self.groups_of.setdefault(loops.op, []).append(group)
        self.fused += 1
        if listening():
            explain.fused(loops, group)

    def _inline_free(self, loops: Loops, demands: dict[Group, list[Access]]) -> None:
        """Constants and counters are computed where they are read, even if an array stays."""
        if loops.cost or len(loops.ins) or self._captured[loops.op]:
            return
        for group, accesses in demands.items():
            if accesses and not _obstacle(loops, group, accesses):
                self._inline_into(group, loops, accesses)

    def _merge_users(self, users: list[Group], demands: dict[Group, list[Access]]) -> bool:
        """Makes one group of all users, when they walk the same loops side by side."""
        first = users[0]
        for other in users[1:]:
            if not _may_merge(first, other) or demands[other] != demands[first]:
                return False
        for other in users[1:]:
            self._merge(first, other)
        return True

    def _merge(self, first: Group, other: Group) -> None:
        explain.merged(first, other)
        first.merge(other)
        self.fused += 1

    def _write_inside(self, loops: Loops, demands: dict[Group, list[Access]]) -> bool:
        """
        The results become arrays, written in the loops of the highest user.

        That one walks all of them, exactly once; all other users come after it.
        """
        highest = max(demands, key=lambda g: g.height)
        accesses = demands[highest]
        if len(accesses) != 1 or highest.loops is None or highest.is_reduction:
            return False
        (access,) = accesses
        if not is_permutation(access, len(highest.extents)):
            return False
        own = loops.extents
        if any(own[d] != highest.extents[t[0]] for d, t in enumerate(access)):
            return False
        level = [g for g in demands if g is not highest and g.height >= highest.height]
        mergeable = all(_may_merge(highest, g) and demands[g] == accesses for g in level)
        if not mergeable or _obstacle(loops, highest, accesses):
            return False
        for group in level:
            self._merge(highest, group)
        self._inline_into(highest, loops, accesses)
        for result in loops.op.results:
            if result.first_use is not None:
                highest.write(loops, result, access)
        return True

    # -- siblings

    def _merge_readers(self) -> None:
        """Groups of equal height that read the same elements in the same loops become one."""
        seen: dict[tuple[SSAValue, Access, int], list[Group]] = {}
        for op in self.ops:
            for group in self.groups(op):
                if group.loops is None or group.ops[0] is not op:
                    continue
                for value, accesses in list(group.reads.items()):
                    for access in list(accesses):
                        if home(group) is not group or _repeats(access, group):
                            continue
                        others = seen.setdefault((value, access, group.height), [])
                        partner = next((g for g in others if _may_merge(home(g), group)), None)
                        if partner is None:
                            others.append(group)
                        else:
                            self._merge(home(partner), group)


def home(group: Group) -> Group:
    """The group that `group` ended up in."""
    while group.home is not group:
        group.home = group.home.home
        group = group.home
    return group


def _demands(loops: Loops, group: Group) -> list[Access]:
    """
    Where a group reads the results of an op, as terms of the op's loops; empty when the group
    needs one of them in memory.
    """
    found: dict[Access, None] = {}
    for result, out in zip(loops.op.results, loops.outs, strict=True):
        if result in group.needs:
            return []
        for access in group.reads.get(result, ()):
            found[loops_at(out, access)] = None
    return list(found)


def _may_duplicate(loops: Loops) -> bool:
    """Whether computing twice costs less than one more array."""
    if loops.cost > DUPLICATE_LIMIT:
        return False
    arrays = [
        value
        for value, access in zip(loops.inputs, loops.ins, strict=True)
        if is_full(access, loops.extents) and not _is_spread(value)
    ]
    return len(arrays) <= 1


def _is_spread(value: SSAValue) -> bool:
    """Whether `value` repeats few numbers: a constant, a counter, a broadcast."""
    loops = loops_of(value.owner) if isinstance(value.owner, GenericOp) else None
    return (
        loops is not None
        and loops.cost == 0
        and loops.is_elementwise
        and not any(is_full(a, loops.extents) for a in loops.ins)
    )


def is_full(access: Access, extents: Sequence[Size]) -> bool:
    """Whether every step of the loops reads another element."""
    walked = {t[0] for t in access}
    return len(extents) > 0 and all(d in walked or n == 1 for d, n in enumerate(extents))


def _obstacle(loops: Loops, group: Group, accesses: list[Access]) -> str:
    """Why the op cannot be computed inside the group at these accesses; empty when it can."""
    if group.operand_count + len(loops.ins) * len(accesses) > OPERAND_LIMIT:
        return f"the loop would have more than {OPERAND_LIMIT} arrays"
    if len(accesses) > 1 and not _may_duplicate(loops):
        return "it is read at several places there"
    added: list[Access] = []
    for access in accesses:
        if loops.cost > REPEAT_LIMIT and _repeats(access, group):
            return "it would be computed again and again along an axis that it does not have"
        for value, own in zip(loops.inputs, loops.ins, strict=True):
            read = compose(own, access)
            if not fits(read, dims_of(value), group.extents):
                return "a part of it is read in a way that no indexing map can say"
            added.append(read)
    for result in loops.op.results:
        if result in group.reads and not group.still_covered(result, added):
            return "the length of a reduction follows from it"
    return ""


def _repeats(access: Access, group: Group) -> bool:
    """Whether loops of the group compute the same element more than once."""
    return len(group.extents) > 0 and not is_full(access, group.extents)


def _may_merge(a: Group, b: Group) -> bool:
    return (
        a is not b
        and a.height == b.height
        and a.same_space(b)
        and a.folds == b.folds
        and a.operand_count + b.operand_count <= OPERAND_LIMIT
    )


def has_effects(op: Operation) -> bool:
    """Whether `op`, or an op inside it, must keep its place among the effects."""
    if type(op) in _EFFECTS:
        return True
    if type(op) is GenericOp or not op.regions:
        return False
    return any(type(inner) in _EFFECTS for inner in op.walk())


def _is_pure(op: Operation) -> bool:
    """Whether an unused op may go."""
    cls = type(op)
    if isinstance(op, scf.IfOp | scf.ForOp | ScanOp | WhileOp):
        return True  # effects inside were asked for before
    known = _PURE.get(cls)
    if known is None:
        known = _PURE[cls] = op.name.partition(".")[0] in _REMOVABLE
    return known


def _reads_at_positions(op: Operation) -> bool:
    """Whether `op` reads or writes elements at positions that may come from data."""
    if not op.regions:
        return type(op) in _WINDOWS
    ops = body_of(op).ops if isinstance(op, GenericOp) else op.walk()
    return any(type(inner) in _ELEMENTS for inner in ops)
