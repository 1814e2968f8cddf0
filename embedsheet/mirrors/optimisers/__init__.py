"""The lesson "optimisers" and Keras' own optimizers."""
