"""
From the syntax tree to `nd`: names, types, sizes, state.

values.py       what an expression can be
env.py          one function being built: scopes, facts, messages, the place to write ops
facts.py        what is known about sizes
problems.py     mistakes of the program, collected
modules.py      files, imports, constants, names of a module
types.py        declared types, sizes in them, values made to fit
functions.py    one exported function; a call of any other is written into it
statements.py   let, update, assert, print, if, return
states.py       states, records of states, initialisers, updates
grads.py        grad
partial.py      updates of a part of a state
messages.py     texts of assert and print
loading.py      files and imports
program.py      the functions of the module, one after the other
constants.py    constant expressions, sizes
expressions.py  evaluate(env, node, expected dtype) -> value
operators.py    binary(env, op, left, right, span) -> value, and the other operators
signature.py    what the module says about itself
lints.py        warnings
"""
