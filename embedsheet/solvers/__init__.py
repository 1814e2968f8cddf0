"""Methods that minimise one differentiable function of many cells within bounds and constraints.

`problem` says what is asked, `tracker` evaluates it and remembers the best, `scipy_methods`, `newton`, `descent` and
`linear` look for the optimum, `verdict` says how good what they found is.
"""
