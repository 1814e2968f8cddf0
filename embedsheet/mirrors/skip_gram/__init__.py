"""The sheet "Skip-gram" and Keras."""
