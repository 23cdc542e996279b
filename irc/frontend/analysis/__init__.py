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
pointwise.py    elementwise functions; broadcasting.py makes operands fit; products.py is `@`
division.py     integers divided by zero
conditionals.py if-expressions; arrays.py array literals
builtins/       the functions of the language, one row each
subscripts.py   x[...]: windows.py, slices.py, gathers.py, layout.py behind it
comprehension.py  index notation; ranges.py and counting.py know how far variables run
sizing.py       sizes that an expression states
checks.py       where a value is wanted; checks at run time
draws.py        random numbers as tensor expressions
describe.py     how messages speak of values
signature.py    what the module says about itself
lints.py        warnings
"""
