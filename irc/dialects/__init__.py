"""
The dialects: what each operation means.

nd/          tensors, state, derivatives
rt.py        ordered effects below `nd`: checks and printing; special functions
routines.py  linear algebra below `nd`
foreign.py   functions of other libraries; foreign_calls.py: how Python calls them
upstream.py  what xDSL 0.74 lacks in dialects that irc uses
context.py   the context in which IR is read
text.py      IR as text: reading it safely, and printing it; graph.py: as a graph
verify.py    checks that xDSL leaves out: dominance, and what a stage may contain
"""
