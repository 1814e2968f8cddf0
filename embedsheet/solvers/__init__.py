"""Methods that minimise one differentiable function of many cells within bounds and constraints.

`problem` says what is asked, `tracker` evaluates it and remembers the best, `units` makes cells and rows of one size.
`methods` has the table of `scipy_methods`, `augmented` and `descent`; `newton` and `kinks` finish what these leave, and
`rescue` says when. `search` runs it all, linear models by `linear`; `verdict` and `outcome` say how good the result is.
"""
