"""What embedsheet costs, beside others: `python -m benchmarks` runs every module here and prints one table.

A module with a `rows()` is a benchmark; `python -m benchmarks.NAME` runs it alone.
"""
