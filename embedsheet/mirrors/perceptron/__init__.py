"""The mirror of multilayer perceptrons."""
