"""The gradient as live formulas: reverse-mode differentiation from spreadsheet to spreadsheet.

`plan` finds the formulas between objective and changing cells. `expand` writes names, tables and LET out; `backward`
walks a formula from its result to the cells it reads, by the tables `rules` (element by element), `reducers`,
`conditional` and `lookups`; `terms` are the products that come of it. `gather` adds up what all readers of a cell send
back, `matrices` sees where a block is a product of matrices. `layout` places the blocks and fills their formulas,
`sheet` and `descent` draw them, `check` calculates them before `write` writes. `against` compares derivatives that
somebody else wrote.
"""
