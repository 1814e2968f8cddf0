"""What every layer stands on: errors, keys, kinds of values, files."""
