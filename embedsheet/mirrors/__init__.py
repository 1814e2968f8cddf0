"""The same model beside the sheet: in Keras, in PyTensor, in NumPy."""
