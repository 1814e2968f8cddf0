"""The parts of an .xlsx package: read in one scan, patched in place, written back whole or not at all."""
