"""The lecture's recurrent net as in Theano: scan, grad, updates, one sequence at a time.

python examples/recurrent_net_in_pytensor.py [BOOK.txt [SEQUENCES]]
"""

from __future__ import annotations

import sys

import numpy as np

from embedsheet.mirrors.full_size.text_data import Vocabulary, default_text, next_characters, read_book
from embedsheet.mirrors.recurrent.numpy_net import Weights
from embedsheet.mirrors.recurrent.pytensor_net import RecurrentNet, train_online

HIDDEN, LENGTH = 256, 8

if __name__ == "__main__":
    text = read_book(sys.argv[1]) if len(sys.argv) > 1 else default_text()
    sequences = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    vocabulary = Vocabulary.of(text)
    characters = len(vocabulary)
    pieces, answers = next_characters(vocabulary.encode(text), LENGTH)
    chance = np.random.default_rng(0)
    start = Weights(
        np.eye(characters),  # a one-hot row a character
        chance.normal(0, np.sqrt(2 / characters), (characters, HIDDEN)),
        np.zeros(HIDDEN),
        np.eye(HIDDEN),  # the orange arrow
        chance.normal(0, np.sqrt(2 / HIDDEN), (HIDDEN, characters)),
        np.zeros(characters),
    )
    net = RecurrentNet(start, say=print, fixed=["character_factors"])

    def report(count: int, error: float) -> None:
        print(f"after {count:6,} sequences: error {error:.2f}, summed over {LENGTH} characters")

    train_online(net, pieces[:sequences], answers[:sequences], rate=0.01, report=report)
    guesses = net.predictor()(vocabulary.encode("and the "))[-1].argsort()[::-1][:5]
    print("after “and the ” it expects, the likeliest first:", " ".join(vocabulary.decode(guesses)))
