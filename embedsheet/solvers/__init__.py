"""Methods that minimise one differentiable function of many cells within bounds and constraints.

`problem` says what is asked, `tracker` evaluates it and remembers the best, `units` makes cells and rows of one size.
`methods` has the table of `scipy_methods`, `augmented` and `descent`; `newton` and `kinks` finish what these leave, and
`rescue` says when. `search` runs it all, linear models by `linear`, convex quadratic ones by `quadratic`; `verdict` and
`outcome` say how good the result is, `plan` says beforehand what will be done.

Where gradients do not lead: `trials` judges many points at once, `global_search` and `moves` make them, `piecewise`
proves what a mixed-integer linear form can prove; `whole` has whole numbers, by `branch`, and orders, by
`permutations`; `sweep` takes crumbs away at the end.
"""
