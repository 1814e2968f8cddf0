"""The mirror of conv."""
