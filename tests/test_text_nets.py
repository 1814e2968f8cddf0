"""The ladder of recurrent nets: each rung builds, learns, is kept on disk, goes on, and writes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.ground.errors import DataError, FileError, LessonError, TrainingError
from embedsheet.mirrors.full_size.engine import load_keras
from embedsheet.mirrors.full_size.text import LADDER, Sizes
from embedsheet.mirrors.full_size.text_checkpoint import Epoch, TextNet, reset_state
from embedsheet.mirrors.full_size.text_generation import generate, longest_copied_run, next_character_probabilities
from embedsheet.mirrors.full_size.text_training import Progress, losses_by_position, pieces, resume, start, train

# Keras 3.15 reads its own variables in a way that NumPy 2 warns about.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

# Two lines in turn: whatever follows "fish" and "bird" can only be known from further back.
TEXT = "one fish swims in the sea\none bird flies in the air\n" * 30
SIZES = Sizes(characters=7, length=5, factors=3, hidden=4, batch=2)


def small(name: str, **options: object) -> TextNet:
    """Return an untrained small net for TEXT."""
    return start(
        TEXT, name, **{"hidden": 8, "factors": 4, "batch_size": 16, "held_out": 0.2, "learning_rate": 0.01, **options}
    )  # type: ignore[arg-type]


def kept(net: TextNet, folder: Path) -> TextNet:
    """Save a net as if it had been trained for one epoch."""
    net.epochs.append(Epoch(2.5, 2.5, 1.0))
    net.save(folder)
    return net


@pytest.mark.parametrize("name", LADDER)
def test_every_rung_reads_ids_and_answers_with_logits(name: str) -> None:
    """(batch, length) → (batch, characters), or (batch, length, characters) with an answer after every one."""
    sizes = replace(SIZES, length=3) if name == "three-char" else SIZES
    net = LADDER[name].build(sizes)
    batch = 2 if name == "stateful" else None  # its states have a fixed size
    assert net.input_shape == (batch, sizes.length)
    assert net.output_shape == ((batch, 7) if LADDER[name].reads == "next" else (batch, 5, 7))


@pytest.mark.parametrize(("by_hand", "layer"), [("rnn-by-hand", "rnn"), ("sequence-by-hand", "sequence")])
def test_the_loop_written_out_and_the_layer_are_one_function_of_the_same_weights(by_hand: str, layer: str) -> None:
    """Embedding, green with bias, orange, blue with bias; the loop's layers in the order in which they are used."""
    keras = load_keras()
    keras.utils.set_random_seed(0)
    loop, net = LADDER[by_hand].build(SIZES), LADDER[layer].build(SIZES)
    found = {one.name: [np.array(weight.value) for weight in one.weights] for one in loop.layers}
    kernel, bias = found["in"]
    for target, values in (("embedding", found["embedding"]), ("hidden", [kernel, found["on"][0], bias + 0.1])):
        for weight, value in zip(net.get_layer(target).weights, values, strict=True):
            weight.assign(value)
    loop.get_layer("in").weights[1].assign(bias + 0.1)
    for weight, value in zip(net.get_layer("out").weights, found["out"], strict=True):
        weight.assign(value)
    ids = np.random.default_rng(0).integers(0, 7, (2, 5)).astype(np.int32)
    np.testing.assert_allclose(loop.predict_on_batch(ids), net.predict_on_batch(ids), rtol=2e-5, atol=1e-6)


def test_hidden_weights_start_as_the_identity() -> None:
    """The orange arrow keeps what was there, in the loop and in the layer."""
    for name, layer, place in (("rnn-by-hand", "on", 0), ("rnn", "hidden", 1), ("sequence", "hidden", 1)):
        weights = LADDER[name].build(SIZES).get_layer(layer).weights[place]
        np.testing.assert_array_equal(np.asarray(weights.value), np.eye(4))


def test_a_stateful_net_reads_a_text_in_parts_as_it_reads_it_in_one() -> None:
    """Two batches of 5 after one another equal one of 10; after a reset the first is as at the beginning."""
    keras = load_keras()
    keras.utils.set_random_seed(0)
    net = LADDER["stateful"].build(SIZES)
    long = LADDER["stateful"].build(replace(SIZES, length=10))
    for weight, value in zip(long.weights, net.weights, strict=True):
        weight.assign(np.array(value.value))
    ids = np.random.default_rng(0).integers(0, 7, (2, 10)).astype(np.int32)
    parts = [net.predict_on_batch(ids[:, :5]), net.predict_on_batch(ids[:, 5:])]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), long.predict_on_batch(ids), rtol=1e-5, atol=1e-6)
    reset_state(net)
    np.testing.assert_allclose(net.predict_on_batch(ids[:, :5]), parts[0], rtol=1e-5, atol=1e-6)


def test_a_stateful_net_writes_what_it_would_write_reading_everything_at_once() -> None:
    """One character at a time with the state kept, against the whole text in one piece from the start."""
    net = small("stateful", batch_size=1, length=12)
    net.model.get_layer("out").weights[0].assign(np.random.default_rng(0).normal(size=(8, 17)))
    text = "one fish swi"
    whole = net.model.predict_on_batch(net.vocabulary.encode(text)[None])[0, -1]
    step = next_character_probabilities(net, text)
    np.testing.assert_allclose(np.log(step), whole - np.log(np.exp(whole).sum()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["sequence", "stateful"])
def test_training_learns_and_reports_and_keeps_the_best_epoch(name: str, tmp_path: Path) -> None:
    """Guessing blindly costs ln(distinct characters) a character; after four epochs less than 80 % of that."""
    heard: list[Progress] = []
    net = train(small(name), tmp_path, 4, heard.append)
    finished = [progress.finished for progress in heard if progress.finished]
    assert [epoch.held_out_loss for epoch in finished] == [epoch.held_out_loss for epoch in net.epochs]
    assert finished[-1].loss < 0.8 * np.log(len(net.vocabulary)) < np.log(len(net.vocabulary))
    best = min(epoch.held_out_loss for epoch in net.epochs)
    held_out = pieces(net, net.judging_text)
    assert net.model.evaluate(*held_out, batch_size=16, verbose=0) == pytest.approx(best, rel=1e-5)
    assert {path.name for path in tmp_path.iterdir()} == {"best.weights.h5", "last.weights.h5", "net.json", "text.txt"}


def test_training_in_two_parts_is_training_in_one(tmp_path: Path) -> None:
    """Weights, Adam's memory and the order of the pieces are all as if nothing had happened in between."""
    whole = train(small("rnn"), tmp_path / "whole", 2)
    train(small("rnn"), tmp_path / "parts", 1)
    parts = train(resume(tmp_path / "parts", "rnn", TEXT), tmp_path / "parts", 1)
    assert [epoch.loss for epoch in parts.epochs] == pytest.approx([epoch.loss for epoch in whole.epochs], rel=1e-6)
    for ours, theirs in zip(parts.model.weights, whole.model.weights, strict=True):
        np.testing.assert_allclose(np.asarray(ours.value), np.asarray(theirs.value), rtol=1e-4, atol=1e-6)


def test_ctrl_c_keeps_the_best_of_the_finished_epochs(tmp_path: Path) -> None:
    """The interrupt arrives in the middle of the third epoch."""

    def stop(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    net = train(small("rnn"), tmp_path, 5, stop)
    assert len(net.epochs) == 2
    assert len(TextNet.open(tmp_path).epochs) == 2


def test_ctrl_c_before_the_first_epoch_is_over_saves_nothing_and_says_so(tmp_path: Path) -> None:
    """There is nothing worth keeping."""

    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(TrainingError, match="nothing was saved"):
        train(small("rnn"), tmp_path / "net", 5, stop)
    assert not (tmp_path / "net").exists()


def test_a_loss_that_is_no_number_stops_training_and_keeps_the_best(tmp_path: Path) -> None:
    """A learning rate of a million throws relu's states to infinity."""
    net = kept(small("rnn"), tmp_path)
    net.model.optimizer.learning_rate = 1e30
    with pytest.raises(TrainingError, match=r"no longer a number. Epoch 1 is kept in .*smaller --learning-rate"):
        train(net, tmp_path, 3)
    assert len(TextNet.open(tmp_path).epochs) == 1


def test_later_positions_know_more(tmp_path: Path) -> None:
    """The first character of a piece has no past; a mean over positions is what training reported."""
    net = train(small("sequence"), tmp_path, 8)
    losses = losses_by_position(net)
    assert losses.shape == (8,)
    assert losses[0] > losses[4:].mean() + 0.3
    assert losses.mean() == pytest.approx(net.epochs[net.best_epoch].held_out_loss, rel=1e-4)


@pytest.mark.parametrize("name", ["three-char", "sequence", "stateful"])
def test_generated_text_is_drawn_by_seed_and_temperature(name: str) -> None:
    """Equal seeds give equal texts, at temperature 0 every seed does; a hotter text has more different characters."""
    net = small(name)
    cold = {"".join(generate(net, "one fish", 20, 0.0, seed)) for seed in range(2)}
    assert len(cold) == 1
    warm = ["".join(generate(net, "one fish", 200, 1.0, seed)) for seed in (1, 1, 2)]
    assert warm[0] == warm[1] != warm[2]
    assert len(set(warm[0])) > len(set(cold.pop()))
    assert next_character_probabilities(net, "one fish").sum() == pytest.approx(1, rel=1e-12)


def test_a_sequence_net_reads_a_seed_shorter_than_its_pieces_without_looking_ahead() -> None:
    """The places after the seed hold fillers; the answer at the seed's last character must not depend on them."""
    net = small("sequence")
    short = next_character_probabilities(net, "one")
    filled = net.model.predict_on_batch(net.vocabulary.encode("one fish")[None])[0, 2]
    np.testing.assert_allclose(np.log(short), filled - np.log(np.exp(filled).sum()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("seed_text", "temperature", "message"),
    [
        ("", 1.0, "seed text is empty"),
        ("one", 1.0, "has 3 characters, but the net 'rnn' reads 8 at once"),
        ("one fisch", 1.0, r"never seen 'c' \(U\+0063\)"),
        ("one fish", -1.0, "temperature -1.0 is not a number from 0 upward"),
        ("one fish", float("nan"), "temperature nan"),
    ],
)
def test_a_bad_beginning_is_refused_with_the_remedy(seed_text: str, temperature: float, message: str) -> None:
    """Before anything is written."""
    with pytest.raises(DataError, match=message):
        next(generate(small("rnn"), seed_text, 5, temperature))


@pytest.mark.parametrize(
    ("generated", "source", "run"),
    [
        ("xxthe catyy", "on the cat sat", "the cat"),
        ("abc", "xyz", ""),
        ("", "xyz", ""),
        ("on the cat sat", "on the cat sat", "on the cat sat"),
        ("ab", "aab", "ab"),
    ],
)
def test_the_longest_copied_run_is_found(generated: str, source: str, run: str) -> None:
    """By hand."""
    assert longest_copied_run(generated, source) == run


def test_a_checkpoint_that_is_not_the_one_asked_for_is_refused(tmp_path: Path) -> None:
    """Another net, another text, another version, weights of another net, no checkpoint at all."""
    for name in ("rnn", "gru"):
        kept(small(name), tmp_path / name)
    with pytest.raises(FileError, match="holds the net 'rnn', not 'gru'; leave --model out"):
        resume(tmp_path / "rnn", "gru")
    with pytest.raises(FileError, match="learns from another text"):
        resume(tmp_path / "rnn", "rnn", TEXT + "!")
    with pytest.raises(FileError, match="goes on with --hidden 8, not 9; leave --hidden out"):
        resume(tmp_path / "rnn", hidden=9)
    assert resume(tmp_path / "rnn", hidden=8, learning_rate=0.01).sizes.hidden == 8
    weights = (tmp_path / "gru" / "best.weights.h5").read_bytes()
    (tmp_path / "rnn" / "best.weights.h5").write_bytes(weights)
    with pytest.raises(FileError, match="does not fit the net 'rnn'"):
        TextNet.open(tmp_path / "rnn")
    (tmp_path / "rnn" / "best.weights.h5").write_bytes(weights[:100])
    with pytest.raises(FileError, match=r"does not fit the net 'rnn'.*is broken"):
        TextNet.open(tmp_path / "rnn")
    facts = json.loads((tmp_path / "gru" / "net.json").read_text(encoding="utf-8"))
    (tmp_path / "gru" / "net.json").write_text(json.dumps({**facts, "format": "9"}), encoding="utf-8")
    with pytest.raises(FileError, match="is of format '9'"):
        TextNet.open(tmp_path / "gru")
    (tmp_path / "gru" / "net.json").write_text("{}", encoding="utf-8")
    with pytest.raises(FileError, match=r"holds no text net that can be read.*embedsheet text train .* --force$"):
        TextNet.open(tmp_path / "gru")
    with pytest.raises(FileError, match=r'no here: holds no text net; make one with: .* --output ".*no here"$'):
        TextNet.open(tmp_path / "no here")
    with pytest.raises(FileError, match="is a file; a text net is a folder"):
        TextNet.open(tmp_path / "rnn" / "text.txt")


def test_weights_that_unpack_to_more_than_the_net_are_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred million zeros take a hundred kilobytes on disk, packed."""
    folder = tmp_path / "net"
    kept(small("rnn"), folder)
    with h5py.File(folder / "best.weights.h5", "r+") as file:
        (place,) = (f"layers/{name}/vars" for name in file["layers"] if name == "embedding")
        del file[f"{place}/0"]
        file[place].create_dataset("0", shape=(100_000_000,), dtype="f4", chunks=(10_000_000,), compression="gzip")
    loaded: list[object] = []
    monkeypatch.setattr(h5py.Dataset, "__getitem__", lambda self, key: loaded.append(self.name))
    with pytest.raises(FileError, match="does not fit the net 'rnn'") as refusal:
        TextNet.open(folder)
    assert "numbers where the net has" in str(refusal.value.__cause__)
    assert loaded == []


def test_unknown_nets_and_lengths_are_refused() -> None:
    """The names that exist are listed."""
    with pytest.raises(LessonError, match="no net 'lstm'; choose one of three-char, rnn-by-hand"):
        start(TEXT, "lstm")
    with pytest.raises(LessonError, match="three-char reads three characters"):
        start(TEXT, "three-char", length=4)
    with pytest.raises(DataError, match=r"are held out to judge the net.*has 16 characters"):
        train(small("rnn", held_out=0.01, length=16), "unused", 1)


def test_the_commands_train_and_write(tmp_path: Path) -> None:
    """From a file to a text on the terminal, as a reader would."""
    (tmp_path / "book.txt").write_text(TEXT, encoding="utf-8")
    net = str(tmp_path / "net")
    run = CliRunner()
    options = ["--text", str(tmp_path / "book.txt"), "--hidden", "8", "--factors", "4", "--epochs", "1", "-o", net]
    first = run.invoke(app, ["text", "train", "--model", "sequence", *options, "--held-out", "0.2"])
    assert first.exit_code == 0, first.output
    assert "epoch 1/1: loss" in first.output
    assert "Longest run copied from the text" in first.output
    assert "Held-out loss by position" in first.output
    again = run.invoke(app, ["text", "train", *options])
    assert again.exit_code == 2
    assert "--resume" in again.stderr
    other = run.invoke(app, ["text", "train", "--resume", "--model", "gru", "-o", net])
    assert other.exit_code == 2
    assert "holds the net 'sequence', not 'gru'" in other.stderr
    written = run.invoke(app, ["text", "generate", net, "--seed-text", "one fish", "--length", "30"])
    assert written.exit_code == 0, written.output
    assert written.output.startswith("one fish")
    table = run.invoke(app, ["text", "generate", net, "--seed-text", "one fish", "--likeliest", "3"])
    assert table.output.count("%") == 3
