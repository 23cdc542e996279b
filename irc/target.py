"""What passes know about the machine: a plain record, from a name or from this computer."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from irc.errors import UserError


@dataclass(frozen=True, slots=True)
class Target:
    """
    A CPU.

    name           as recorded in the module: `cpu:x86-64-v4`, `cpu:native`
    march          for `cc -march=`; "" leaves the compiler's default
    vector_bits    width of a vector register
    registers      number of vector registers
    fma            fused multiply-add is one instruction
    l1_bytes, l2_bytes, l3_bytes   data caches seen by one core
    threads        cores that a call may use
    """

    name: str = "cpu"
    march: str = ""
    vector_bits: int = 128
    registers: int = 16
    fma: bool = False
    l1_bytes: int = 32 * 1024
    l2_bytes: int = 512 * 1024
    l3_bytes: int = 8 * 1024 * 1024
    threads: int = 1

    def lanes(self, element_bytes: int) -> int:
        """Elements of that width in one vector register."""
        return max(self.vector_bits // 8 // element_bytes, 1)


_LEVELS: dict[str, Target] = {
    "x86-64": Target("cpu:x86-64", "x86-64", 128, 16, False),
    "x86-64-v2": Target("cpu:x86-64-v2", "x86-64-v2", 128, 16, False),
    "x86-64-v3": Target("cpu:x86-64-v3", "x86-64-v3", 256, 16, True),
    "x86-64-v4": Target("cpu:x86-64-v4", "x86-64-v4", 512, 32, True),
}
# Flags of /proc/cpuinfo that make up a level, beyond the level before.
_V2 = {"cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"}
_V3 = _V2 | {"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"}
_V4 = _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}


def parse(text: str = "cpu:native") -> Target:
    """
    The target called `text`: `cpu`, `cpu:native`, `cpu:x86-64-v3`, ...

    Raises UserError for a name that is none.
    """
    kind, _, level = text.partition(":")
    if kind != "cpu":
        raise UserError(f"unknown target `{text}`; CPU targets are {', '.join(names())}")
    if level in ("", "native"):
        return host()
    if level not in _LEVELS:
        raise UserError(f"unknown target `{text}`; CPU targets are {', '.join(names())}")
    return replace(_LEVELS[level], threads=_threads())


def names() -> list[str]:
    """All targets, as a user writes them."""
    return ["cpu:native", *(f"cpu:{level}" for level in _LEVELS)]


@cache
def host() -> Target:
    """This machine."""
    base = replace(
        _LEVELS.get(_host_level(), Target()),
        name="cpu:native",
        march="native",
        threads=_threads(),
    )
    caches = _host_caches()
    return replace(
        base,
        l1_bytes=caches.get(1, base.l1_bytes),
        l2_bytes=caches.get(2, base.l2_bytes),
        l3_bytes=caches.get(3, base.l3_bytes),
    )


def _threads() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return os.cpu_count() or 1


def _host_level() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return ""
    line = next((x for x in text.splitlines() if x.startswith("flags")), "")
    flags = set(line.partition(":")[2].split())
    for level, needed in (("x86-64-v4", _V4), ("x86-64-v3", _V3), ("x86-64-v2", _V2)):
        if needed <= flags:
            return level
    return "x86-64" if "sse2" in flags else ""


def _host_caches() -> dict[int, int]:
    """Level -> bytes, from sysfs."""
    found: dict[int, int] = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            level = int((index / "level").read_text())
            kind = (index / "type").read_text().strip()
            size = (index / "size").read_text().strip()
        except (OSError, ValueError):
            continue
        if kind in ("Data", "Unified") and size.endswith("K") and 1 <= level <= 3:
            found[level] = int(size[:-1]) * 1024
    return found
