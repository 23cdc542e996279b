"""
Who is measured: one file per peer, one function per workload.

A function gets the workload's inputs and gives a call without arguments, whose results are those
of every other peer. Large results go into `out`, which all peers reuse: fresh memory would measure
the kernel's page faults. A peer without a function for a workload is left out of its row.
"""
