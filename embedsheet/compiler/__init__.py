"""From the cells of a workbook to one function of the changing cells.

`cells` numbers the cells, `forms` groups formulas that are the same but for their place, `order` finds out what must be
evaluated before what, `evaluate` runs one form for many cells at once, `recurrence` turns a column in which each cell
needs the one above into a scan, `gather` reads cells out of arrays.
"""
