"""A recurrent net in NumPy, differentiated by hand, learns a line of verse by plain gradient descent.

python examples/recurrent_net_by_hand.py
"""

from __future__ import annotations

import numpy as np

import embedsheet as es

TEXT = "she sells sea shells by the sea shore."
LENGTH = 8

if __name__ == "__main__":
    alphabet = sorted(set(TEXT))
    ids = np.array([alphabet.index(character) for character in TEXT])
    starts = np.arange(len(ids) - LENGTH)[:, None] + np.arange(LENGTH)
    pieces, answers = ids[starts], ids[starts + 1]
    weights = es.parts.start_weights(len(alphabet), factors=3, hidden=8)
    for step in range(61):
        loss, gradient = es.parts.mean_loss_and_gradient(weights, pieces, answers)
        if step % 20 == 0:
            print(f"after {step:2} steps: loss {loss:.4f} (blind guessing: {np.log(len(alphabet)):.4f})")
        weights = es.parts.Weights(*(one - 0.1 * slope for one, slope in zip(weights, gradient, strict=True)))
