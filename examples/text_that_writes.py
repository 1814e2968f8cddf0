"""A small net of the lecture's ladder learns from Python's help texts, writes, and is asked how much of it is quoted.

python examples/text_that_writes.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path
from pydoc_data.topics import topics

import embedsheet as es

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "small-rnn"
    text = "".join(topics.values())[:100_000]
    best = es.train_text(folder, text, hidden=64, factors=16, batch_size=16, learning_rate=0.003, epochs=3, force=True)
    for number, epoch in enumerate(best.epochs, 1):
        print(f"epoch {number}: loss {epoch.loss:.3f}, on held-out text {epoch.held_out_loss:.3f}")
    written = es.write_text(folder, "The statement", 100, temperature=0.7)
    print(f"The statement{written.text}")
    print(f"longest run copied: {written.copied!r}")
