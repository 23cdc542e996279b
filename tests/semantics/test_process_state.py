"""
Import, compile, load and call leave the process as it was: rounding and denormal mode, signal
handlers, locale, directory, umask, environment.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.cc

PROBE = r"""
#include <fenv.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

/* Everything that belongs to the process, in one line. */
void probe(char *text, size_t size)
{
    unsigned long control = 0;
#if defined(__x86_64__)
    control = _mm_getcsr() & ~0x3Fu; /* without the flags that every inexact sum raises */
#endif
    int used = snprintf(text, size, "round %d control %lx locale %s handlers", fegetround(),
                        control, setlocale(LC_ALL, NULL));
    for (int number = 1; number < 32; ++number) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        if (sigaction(number, NULL, &action) == 0)
            used += snprintf(text + used, size - (size_t)used, " %p/%x", (void *)action.sa_handler,
                             (unsigned)action.sa_flags);
    }
}

void set_modes(int upward, int flush)
{
    if (upward)
        fesetround(FE_UPWARD);
#if defined(__x86_64__)
    if (flush)
        _mm_setcsr(_mm_getcsr() | 0x8040u);
#endif
    (void)flush;
}
"""

SCRIPT = """
import ctypes, os, sys
import numpy as np
probe = ctypes.CDLL(sys.argv[1])
probe.set_modes(*map(int, sys.argv[2:4]))

def state():
    text = ctypes.create_string_buffer(4096)
    probe.probe(text, ctypes.c_size_t(4096))
    mask = os.umask(0)
    os.umask(mask)
    return text.value.decode(), os.getcwd(), mask, dict(os.environ)

def unchanged(after):
    assert state() == before, f"after {after}:\\n{before}\\n{state()}"

before = state()
import irc
unchanged("import")
m = irc.compile('''
state W: f32[4] = normal()
export def train(x: f32[n, 4], y: f32[n]) -> (cost: f32) {
    let cost = mean((x @ W - y) ** 2)
    update W -= 0.1 * grad(cost, wrt=W)
    assert cost < 1e30, "cost {cost}"
    print "cost {cost}"
    return cost
}
export def wide(x: f64[n]) -> f64 = sum(exp(x))
''', check="bounds,nan")
unchanged("compile and load")
m.train(np.ones((8, 4), np.float32), np.ones(8, np.float32))
m.wide(np.ones(300000))
unchanged("calls")
try:
    m.train(np.full((8, 4), 1e30, np.float32), np.ones(8, np.float32))
    raise SystemExit("the assertion held")
except irc.IrcError:
    pass
unchanged("a call that failed")
m.seed(3)
m.save(sys.argv[4])
m.load_state(sys.argv[4])
del m
unchanged("state")
"""


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probe")
    (folder / "probe.c").write_text(PROBE)
    command = ["cc", "-shared", "-fPIC", "-frounding-math", "probe.c", "-o", "probe.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    return folder / "probe.so"


@pytest.mark.parametrize(
    ("loader", "upward", "flush"),
    [("extension", 0, 0), ("ctypes", 1, 1)],
)
def test_nothing_changes(
    probe: Path,
    loader: str,
    upward: int,
    flush: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IRC_LOADER", loader)
    arguments = [str(probe), str(upward), str(flush), str(tmp_path / "state.safetensors")]
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
