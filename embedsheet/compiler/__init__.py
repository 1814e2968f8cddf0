"""From the cells of a workbook to one function of the changing cells.

`cells` numbers the cells, `forms` groups formulas that are the same but for their place, `order` finds out what must be
evaluated before what, `alike` joins formulas of one shape that nobody filled down, `evaluate` runs one form for many
cells at once, `recurrence` turns a column in which each cell needs the one above into a scan, `windows` a growing range
into running sums, `gather` reads cells out of arrays. `store` keeps what has been evaluated, `verify` compares it with
the file, `constraints` makes rows of the Solver's.
"""
