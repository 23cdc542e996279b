"""
From tensors to memory, loops, vectors and threads.

Memory:
bufferize.py     a place for each tensor; bufferize_control.py: for those of branches and loops
bufferize_routine.py  ... and for routines of linear algebra; bufferize_foreign.py: of others
bufferize_scan.py  ... for the rows of recurrences; tracks.py: where they lie
places.py        buffers, what shows them, what they come from
rows.py          rows of arrays as arrays
liveness.py      when contents are needed for the last time
updates.py       which state updates can be made in place
plan_memory.py   one workspace for each function, as formulas in the sizes

Loops:
convert_linalg_to_loops.py  generics to loops, by kind:
elementwise.py   ... parallel ones
reductions.py    ... reductions, in the order that the language defines, by combiners.py
contractions.py  ... products, as factors.py has them: products.py loops, panels.py copies,
                 tiles.py register tiles, epilogues.py what runs on a finished tile,
                 resident.py what a loop packs before it begins
convolutions.py  ... products over windows, and of axes that are no matrices
structured.py    a generic in the form in which loops are made from it; access.py: its operands
nest.py          each op goes to the outermost loop that it depends on
threads.py       which loops run on several threads
expand_math.py   elementary functions from arithmetic
builder.py       a pen for this level; helpers.py: private functions made once
"""
