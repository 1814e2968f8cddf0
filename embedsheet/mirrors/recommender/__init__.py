"""Sheets of ratings and their model in Keras."""
