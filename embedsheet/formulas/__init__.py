"""Excel's formula language: text → tree, reference forms, and the table of functions."""
