"""The gradient as live formulas: reverse-mode differentiation from spreadsheet to spreadsheet.

`rules` is the table of derivatives, `terms` the products that they make, `expand` writes names, tables and LET out,
`backward` walks a formula from its result to the cells it reads, `gather` adds up what all readers of a cell send
back, `blocks` lays the mirror blocks out, `sheet` draws them, `check` calculates them. `against` compares derivatives
that somebody else wrote.
"""
