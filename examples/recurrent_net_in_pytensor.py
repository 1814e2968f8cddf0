"""The lecture's recurrent net as in Theano: scan, grad, updates, one sequence at a time.

python examples/recurrent_net_in_pytensor.py [BOOK.txt [SEQUENCES]]
"""

from __future__ import annotations

import sys

import numpy as np

import embedsheet as es

HIDDEN, LENGTH = 256, 8

if __name__ == "__main__":
    text = es.parts.read_book(sys.argv[1]) if len(sys.argv) > 1 else es.parts.default_text()
    sequences = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    vocabulary = es.parts.Vocabulary.of(text)
    characters = len(vocabulary)
    pieces, answers = es.parts.next_characters(vocabulary.encode(text), LENGTH)
    chance = np.random.default_rng(0)
    start = es.parts.Weights(
        np.eye(characters),  # a one-hot row a character
        chance.normal(0, np.sqrt(2 / characters), (characters, HIDDEN)),
        np.zeros(HIDDEN),
        np.eye(HIDDEN),  # the orange arrow
        chance.normal(0, np.sqrt(2 / HIDDEN), (HIDDEN, characters)),
        np.zeros(characters),
    )
    net = es.parts.RecurrentNet(start, say=print, fixed=["character_factors"])

    def report(count: int, error: float) -> None:
        print(f"after {count:6,} sequences: error {error:.2f}, summed over {LENGTH} characters")

    es.parts.train_online(net, pieces[:sequences], answers[:sequences], rate=0.01, report=report)
    guesses = net.predictor()(vocabulary.encode("and the "))[-1].argsort()[::-1][:5]
    print("after “and the ” it expects, the likeliest first:", " ".join(vocabulary.decode(guesses)))
