"""The mirror of a student of pseudo-labels."""
