"""
From the syntax tree to `nd`: names, types, sizes, state.

Modules and functions:
loading.py        files and imports; modules.py: constants and names of a module
externs.py        functions of other libraries
program.py        the functions of the module, one after the other
functions.py      one exported function; a call of any other is written into it
statements.py     let, update, assert, print, if; messages.py: their texts
returns.py        the ways through a body: return, also inside if
states.py         states, records of states, initialisers; partial.py: updates of a part, with
grads.py          grad; directions.py: vjp, jvp; jacobians.py: jacobian, hessian
derivatives.py    what these share; pullback.py: all values of index variables together;
                  identity.py: arguments to differentiate by
constants.py      constant expressions; types.py: declared types, values made to fit
signature.py      what the module says about itself; lints.py: warnings

Recurrences:
scans.py          scan; outline.py: the order of its equations; inits.py: values before time 0
series.py         x[t-1] inside the scan; timed.py: positions that count with its steps
loops.py          loop; searches.py: one with a condition; steps.py: how many steps they make
carried.py        what goes from step to step; leaves.py: the tensors in it; rereading.py: with
                  another dtype
stopping.py       until, for each value of index variables on its own
recurrences.py    what scan and loop share: time, and the place before them
misplaced.py      their statements where they mean nothing

Expressions:
expressions.py    evaluate(env, node, expected dtype) -> value, by kind of node
operators.py      + - * / and the others; division.py, products.py (`@`)
pointwise.py      elementwise functions; broadcasting.py makes operands fit
conditionals.py   if c then a else b
arrays.py         array literals
comprehension.py  index notation; ranges.py: what its variables run over; counting.py, layout.py
subscripts.py     x[...]: slices.py, windows.py, gathers.py for what stands between the brackets
builtins/         the functions of the language; draws.py: its random numbers

What they share:
values.py         what an expression can be
env.py            one function being built: scopes, facts, messages, the place to write ops
facts.py          what is known about sizes; sizing.py: sizes that an expression states
checks.py         checks at run time of what data decides there
problems.py       mistakes of the program, collected; describe.py: how operands are spoken of
"""
