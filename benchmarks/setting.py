"""What a run of the benchmark is to do."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Setting:
    """
    rounds     how often each measurement is repeated
    batch_s    short calls are timed together for about so long
    compiles   how often the compiler runs for one number
    sizes      lengths of the programs whose compile time is measured
    only       part of the names of the workloads to run
    modules    name -> shared object
    """

    rounds: int = 9
    batch_s: float = 0.02
    compiles: int = 3
    sizes: tuple[int, ...] = (10, 100, 1_000, 10_000)
    only: str = ""
    modules: dict[str, str] = field(default_factory=dict)


def quick() -> Setting:
    """For a look: a sixth of the time, three times the spread."""
    return Setting(rounds=3, batch_s=0.005, compiles=1, sizes=(10, 100, 1_000))
