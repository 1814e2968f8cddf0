"""Buttons in a workbook: form buttons that call Python through xlwings, and the VBA project behind them."""
