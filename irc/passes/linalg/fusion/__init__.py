"""
Loop fusion: what may go together, what is worth it, and the new ops.

plan.py     decides, for one block, which ops go into which groups
groups.py   ops that become one loop nest
cost.py     what a body costs, and how much may be computed more than once
views.py    reads through ops that move no data
rebuild.py  makes the ops of a plan
explain.py  the decisions in words
"""
