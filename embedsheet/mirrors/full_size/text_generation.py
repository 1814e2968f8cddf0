"""Text out of a net: the next character's probabilities, whole texts, and how much of them is copied."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import DataError
from embedsheet.ground.measures import softmax
from embedsheet.mirrors.full_size.text_checkpoint import TextNet
from embedsheet.mirrors.full_size.text_data import Ids


class _Reader:
    """Feeds a net a growing text and returns the logits of the character after it, (characters,)."""

    def __init__(self, net: TextNet) -> None:
        self.net = net
        self.step = net.one_step() if net.rung.reads == "stream" else None
        self.read = 0

    def logits(self, ids: list[int]) -> NDArray[np.float64]:
        if self.step is not None:  # the state holds what was read before
            for number in ids[self.read :]:
                output = self.step.predict_on_batch(np.array([[number]], np.int32))
            self.read = len(ids)
            return np.asarray(output[0, 0], np.float64)
        length = self.net.sizes.length
        piece = np.zeros((1, length), np.int32)
        given = ids[-length:]
        piece[0, : len(given)] = given
        output = self.net.model.predict_on_batch(piece)[0]
        # A sequence net does not look ahead: with a short text, what stands after it changes nothing.
        return np.asarray(output[len(given) - 1] if self.net.rung.reads == "sequence" else output, np.float64)


def _seed_ids(net: TextNet, seed_text: str) -> Ids:
    if not seed_text:
        raise DataError("The seed text is empty; give the net a beginning with --seed-text.")
    if net.rung.reads == "next" and len(seed_text) < net.sizes.length:
        raise DataError(
            f"The seed text {seed_text!r} has {len(seed_text)} characters, but the net {net.name!r} reads "
            f"{net.sizes.length} at once; give a longer one with --seed-text."
        )
    return net.vocabulary.encode(seed_text)


def next_character_probabilities(net: TextNet, text: str) -> NDArray[np.float64]:
    """Return the probability of each character of the vocabulary to follow `text`: (characters,)."""
    return softmax(_Reader(net).logits(list(_seed_ids(net, text))))


def generate(net: TextNet, seed_text: str, length: int, temperature: float = 1.0, seed: int = 0) -> Iterator[str]:
    """Yield `length` characters that continue `seed_text`, one by one as they are drawn.

    `temperature` divides the logits: below 1 the net is bolder about what it thinks likely, at 0 it always takes the
    likeliest. Raises DataError for a seed text that is too short or has characters the net does not know.
    """
    if not np.isfinite(temperature) or temperature < 0:
        raise DataError(f"The temperature {temperature} is not a number from 0 upward; try 0.5 to 1.")
    ids = [int(number) for number in _seed_ids(net, seed_text)]
    reader, chance = _Reader(net), np.random.default_rng(seed)
    for _ in range(length):
        logits = reader.logits(ids)
        if temperature == 0:
            chosen = int(logits.argmax())
        else:
            chosen = int(chance.choice(len(logits), p=softmax(logits / temperature)))
        ids.append(chosen)
        yield net.vocabulary.characters[chosen]


def longest_copied_run(generated: str, source: str) -> str:
    """Return the longest piece of `generated` that stands word for word in `source`: what the net quotes."""
    longest = ""
    for start in range(len(generated)):
        # Only pieces longer than the best so far are looked for, so each search settles one character.
        while start + len(longest) < len(generated) and generated[start : start + len(longest) + 1] in source:
            longest = generated[start : start + len(longest) + 1]
    return longest
