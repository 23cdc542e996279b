"""
Passes that leave `nd` in `nd`: equations between tensor ops, derivatives, clean-up.

Passes:
expand_grad.py       derivatives: each `nd.grad` becomes its backward pass
canonicalize.py      the normal form: what is equal to the bit and simpler
fold_constants.py    what does not depend on the inputs
cse.py               equal things once; dce.py: unused things not at all
stabilize.py         formulas that keep their digits; stabilize_scans.py: half in a scan, half out
simplify_gathers.py  computed positions that follow a plan, as slices
raise_contractions.py  products of matrices found in sums of products
expand_convolutions.py  zeros in and around what windows slide over; padding.py: how they are made
check_nan.py         --check nan; drop_checks.py: --check none

Loops:
simplify_scans.py    loops without what nothing reads; unread_rows.py: what that is;
                     sequences.py: where rows come from
hoist_invariants.py  what is the same at each step, once
batch_scans.py       products of all steps at once: batch_early.py before a scan, batch_late.py
                     after it, sums_over_time.py in the place of states that add
merge_products.py    products of one value, in what is left
batch_rows.py        values of a step as rows of stacks
scans.py             what these passes share

Derivatives:
grad_walk.py         the walk back over ops; grad_paths.py: which ops; grad_flows.py: what arrives
grad_if.py           the derivative of a conditional; grad_scan.py: of a recurrence
grad_residuals.py    what a backward step reads of the forward one
grad_loops.py        other loops as recurrences; grad_checkpoint.py: recomputing stretches

Their equations:
rules.py             how equations are applied; match.py: what they ask about sizes
algebra.py           elementwise functions
shapes.py            ops that move elements; sinking.py: functions of what was moved
conditionals.py      nd.if
"""
