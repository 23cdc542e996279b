"""
Passes: equations between ops, and the steps from level to level.

nd/            stay in `nd`: derivatives, identities, clean-up
linalg/        leave `nd`, fuse loop nests
loops/         leave tensors: memory, loops, vectors, threads
rewriting.py   rewrites that keep their spans
manager.py     runs passes: time, verification, who watches
spelling.py    how a pipeline is written
remarks.py     what passes tell about their decisions
roots.py       the square root of a size
reproducer.py  files that replay a failure
"""
