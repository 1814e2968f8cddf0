"""The mirror of attention."""
