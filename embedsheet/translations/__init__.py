"""A workbook's model in other words: as Python, as formulas of its gradient, as a page to look at."""
