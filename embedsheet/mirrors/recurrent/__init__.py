"""Sheets of recurrent nets and their twins in Keras, PyTensor and NumPy."""
