"""What is known about a solution, as tables: `made` makes them, `sheet` draws them, `cli/reports.py` prints them."""
