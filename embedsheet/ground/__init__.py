"""What every layer stands on: errors, keys, kinds of values, files."""

__version__ = "0.2.0"
