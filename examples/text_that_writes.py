"""A small net of the lecture's ladder learns from Python's help texts, writes, and is asked how much of it is quoted.

python examples/text_that_writes.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from embedsheet.mirrors.full_size.text_checkpoint import TextNet
from embedsheet.mirrors.full_size.text_data import default_text
from embedsheet.mirrors.full_size.text_generation import generate, longest_copied_run
from embedsheet.mirrors.full_size.text_training import start, train

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "small-rnn"
    best = train(
        start(default_text()[:100_000], "rnn", hidden=64, factors=16, batch_size=16, learning_rate=0.003),
        folder,
        epochs=3,
    )
    for number, epoch in enumerate(best.epochs, 1):
        print(f"epoch {number}: loss {epoch.loss:.3f}, on held-out text {epoch.held_out_loss:.3f}")
    net = TextNet.open(folder)
    written = "".join(generate(net, "The statement", 100, temperature=0.7))
    print(f"The statement{written}")
    print(f"longest run copied: {longest_copied_run(written, net.text)!r}")
