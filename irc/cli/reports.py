"""Times, counts, memory and remarks as text on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from irc.abi import INIT_FUNCTION
from irc.cli.common import Reporter, usage
from irc.cli.defines import parse_sizes
from irc.diagnostics import Diagnostic, Label, did_you_mean
from irc.driver import Outputs, Watch
from irc.files import write_file
from irc.sizes import parse

if TYPE_CHECKING:
    from irc.passes.remarks import Remark

REMARK_KINDS = ("fusion", "memory", "copy", "loop", "vectors")


def say(text: str) -> None:
    print(text, file=sys.stderr)


# ---- time


def times(watch: Watch, form: str) -> None:
    """Seconds by group, and by step inside it."""
    total = sum(seconds for _, _, seconds in watch.seconds)
    if form == "json":
        steps = [{"group": g, "step": s, "seconds": round(t, 6)} for g, s, t in watch.seconds]
        say(json.dumps({"steps": steps, "total": round(total, 6)}))
        return
    say("time (ms)")
    for group, rows in grouped(watch).items():
        say(row(f"  {group}", sum(t for _, t in rows), total))
        for step, seconds in rows:
            say(row(f"    {step}", seconds, total))
    say(row("  total", total, total))


def stages(watch: Watch, outputs: Outputs) -> None:
    """One line a stage, for -v."""
    for group, rows in grouped(watch).items():
        say(f"{group}: {sum(t for _, t in rows):.3f} s")
    if outputs.cached:
        say("the result came from the cache")


def grouped(watch: Watch) -> dict[str, list[tuple[str, float]]]:
    groups: dict[str, list[tuple[str, float]]] = {}
    for group, step, seconds in watch.seconds:
        groups.setdefault(group, []).append((step, seconds))
    return groups


def row(name: str, seconds: float, total: float) -> str:
    share = 100 * seconds / total if total else 0.0
    return f"{name:<34} {seconds * 1e3:9.2f} {share:6.1f} %"


def stats(watch: Watch, form: str) -> None:
    from irc.cli.watch import Counts, counts

    for observer in watch.observers:
        if isinstance(observer, Counts):
            say(counts(observer, form))


# ---- memory


def memory(outputs: Outputs, sizes_text: str) -> None:
    """
    The workspace of each function, its buffers with their places, and the state.

    Raises a usage error for a size that no function has.
    """
    sizes = parse_sizes(sizes_text)
    check_sizes(sizes, outputs)
    for function, arena in outputs.arenas.items():
        if function == INIT_FUNCTION and arena == "0":
            continue
        say(f"{function}: workspace {amount(arena, sizes)}")
        for buffer in outputs.buffers.get(function, []):
            name, at = buffer.name or "(unnamed)", f"  {buffer.place}" if buffer.place else ""
            say(f"  {amount(buffer.bytes, sizes)} at {buffer.offset}  {name}{at}")
    if outputs.spec is not None and outputs.spec.states:
        total = sum(state.bytes for state in outputs.spec.states)
        say(f"state: {total} bytes")
        for state in outputs.spec.states:
            at = f"  {state.span}" if state.span else ""
            say(f"  {state.bytes} bytes  {state.name}: {state.type}{at}")


def amount(formula: str, sizes: Mapping[str, int]) -> str:
    """`256*n bytes`, with the number where the sizes are known."""
    size = parse(formula)
    if size.symbols() and size.symbols() <= set(sizes):
        return f"{formula} = {size.evaluate(sizes)} bytes"
    return f"{formula} bytes"


def check_sizes(sizes: Mapping[str, int], outputs: Outputs) -> None:
    known = {name for f in (outputs.spec.functions if outputs.spec else ()) for name in f.sizes}
    for name in sizes:
        if name not in known:
            close = did_you_mean(name, known)
            hint = f"; did you mean {close[0]}?" if close else ""
            usage(f"--memory: no function has a size {name}{hint}")


# ---- remarks


def remarks(
    found: Sequence[Remark], wanted: str | None, path: str | None, reporter: Reporter
) -> None:
    """Those of the wanted kinds, in the order of the passes."""
    from irc.dialects.verify import place

    if path is not None:
        rows = [{"kind": r.kind, "place": place(r.location), "text": r.text} for r in found]
        write_file(path, json.dumps(rows, indent=1) + "\n")
    if wanted is None:
        return
    kinds = {kind.strip() for kind in wanted.split(",")}
    for kind in kinds - {"all", *REMARK_KINDS}:
        close = did_you_mean(kind, REMARK_KINDS)
        hint = f"; did you mean {close[0]}?" if close else f": there are {', '.join(REMARK_KINDS)}"
        usage(f"--remarks: there are no remarks about {kind}{hint}")
    for one in found:
        if "all" in kinds or one.kind in kinds:
            show_remark(one, reporter)


def show_remark(one: Remark, reporter: Reporter) -> None:
    from irc.dialects.verify import span_at

    span = span_at(one.location)
    labels = (Label(span, primary=True),) if span else ()
    reporter.diagnostic(Diagnostic("", f"{one.kind}: {one.text}", labels, severity="remark"))
