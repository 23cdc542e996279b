"""
C99 from the loop level.

emit.py         the kernels: one C function for each function of the IR
blocks.py       ... its statements: loops and branches, and by the tables of
scalars.py      ... arith, math and vector ops
memory.py       ... memref ops
effects.py      ... checks and printing
foreign.py      ... calls of functions of other libraries, and how a module finds them
scope.py        names, expressions and lines of one C function being written
types.py        how element types and constants are spelled
identifiers.py  C identifiers for any name; names.py: which name each part of a module has
module.py       the whole file: support files (*.h), kernels, doors
doors.py        the public functions around the kernels; header.py declares them
toolchain.py    runs the C compiler
"""
