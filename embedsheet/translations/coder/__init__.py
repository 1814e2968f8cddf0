"""A workbook's formulas as a Python module that a person would have written: one statement a block of like formulas."""
