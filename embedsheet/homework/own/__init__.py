"""Homework from the teacher's own workbook: the finished workbook is the solution.

`draft` writes a first assignment.toml from its marks, `plan` reads one, `solution` runs the workbook on other numbers,
`make` hands it out with the answers blank, `grading` grades what comes back, `preview` and `check` look first.
"""
