"""Spreadsheets whose formulas are the model: make them, differentiate them, solve them in place, compare with Keras."""

__version__ = "0.1.0"
