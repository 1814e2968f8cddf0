"""Excel's formula language: addresses, text to tree and back, moving a formula."""
