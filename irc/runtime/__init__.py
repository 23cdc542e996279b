"""
From a shared object and NumPy arrays to results.

opening.py    a file's bytes -> checked -> an open library
backend.py    the loader: the C extension `loader/`, compiled once, or `fallback.py` over ctypes
module.py     what a user holds: functions, save, pickle
state.py      its state, as live arrays
functions.py  one function: call, documentation, statistics, errors
arguments.py  whatever the caller passed -> arrays that are exactly right, or an exception

The runtime knows the calling convention (`irc.abi`) and no IR.
"""

from __future__ import annotations
